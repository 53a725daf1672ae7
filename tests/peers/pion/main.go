// Pion as a publisher and as a viewer, driven by requests on standard input. It neither encodes nor
// decodes: what it sends comes from recordings, what it receives it hashes and writes to files.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"sync"
)

// What the test asks for, a line of JSON.
type request struct {
	ID         int    `json:"id"`
	Do         string `json:"do"`
	Session    string `json:"session"`
	URL        string `json:"url"`
	Video      string `json:"video"`      // the codec to publish
	Recordings string `json:"recordings"` // the folder of what is published
	Keep       string `json:"keep"`       // the folder for what is received
	Passive    bool   `json:"passive"`    // insist on being the DTLS server
	Path       string `json:"path"`       // IP:PORT instead of the answer's candidates
	Data       bool   `json:"data"`       // offer a data channel too
	Trickle    bool   `json:"trickle"`    // post no candidates, and PATCH them one by one
	TCP        bool   `json:"tcp"`        // use nothing but TCP
	Bare       bool   `json:"bare"`       // know no RTX, and of H.264 packetization mode 0 only
}

var (
	outputLock   sync.Mutex
	sessionsLock sync.Mutex
	sessions     = map[string]*session{}
)

func answer(id int, result interface{}, err error) {
	line := map[string]interface{}{"id": id}
	if err != nil {
		line["error"] = err.Error()
	} else {
		line["result"] = result
	}
	outputLock.Lock()
	defer outputLock.Unlock()
	_ = json.NewEncoder(os.Stdout).Encode(line)
}

func existing(name string) (*session, error) {
	sessionsLock.Lock()
	defer sessionsLock.Unlock()
	found, ok := sessions[name]
	if !ok {
		return nil, fmt.Errorf("no session %q", name)
	}
	return found, nil
}

func begin(asked request) (interface{}, error) {
	begun, err := newSession(asked)
	if err != nil {
		return nil, err
	}
	sessionsLock.Lock()
	sessions[asked.Session] = begun
	sessionsLock.Unlock()
	if asked.Do == "publish" {
		err = begun.publish()
	} else {
		err = begun.watch()
	}
	if err != nil {
		return nil, err
	}
	return begun.connect()
}

func perform(asked request) (interface{}, error) {
	switch asked.Do {
	case "capabilities":
		return capabilities()
	case "candidates":
		return candidateKinds(asked)
	case "publish", "watch":
		return begin(asked)
	}
	found, err := existing(asked.Session)
	if err != nil {
		return nil, err
	}
	switch asked.Do {
	case "observe":
		return found.observe(), nil
	case "hashes":
		return found.hashes(), nil
	case "close":
		sessionsLock.Lock()
		delete(sessions, asked.Session)
		sessionsLock.Unlock()
		return found.close()
	}
	return nil, fmt.Errorf("what is %q?", asked.Do)
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var asked request
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		go func() {
			result, err := perform(asked)
			answer(asked.ID, result, err)
		}()
	}
}
