package main

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
)

// Tells the relay each candidate as it is found (RFC 9725 §4.3.2). Returns what was answered.
func (s *session) trickle() ([]int, error) {
	statuses := []int{}
	tell := func(line string) error {
		status, err := s.patch(fragmentOf(s.offer, line))
		statuses = append(statuses, status)
		return err
	}
	for candidate := range s.candidates {
		if err := tell("a=" + candidate); err != nil {
			return nil, err
		}
	}
	return statuses, tell("a=end-of-candidates")
}

func (s *session) patch(fragment string) (int, error) {
	ask, err := http.NewRequest(http.MethodPatch, s.location, strings.NewReader(fragment))
	if err != nil {
		return 0, err
	}
	ask.Header.Set("Content-Type", "application/trickle-ice-sdpfrag")
	ask.Header.Set("If-Match", s.tag)
	response, err := http.DefaultClient.Do(ask)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	if body, _ := io.ReadAll(response.Body); response.StatusCode >= http.StatusBadRequest {
		return 0, fmt.Errorf("%d %s to\n%s", response.StatusCode, body, fragment)
	}
	return response.StatusCode, nil
}

// A line about the transport of a bundle, which is its first section's (RFC 8840 §9).
func fragmentOf(offer, line string) string {
	fragment := ""
	for _, pattern := range []string{"a=group:BUNDLE .*", "m=.*", "a=mid:.*", "a=ice-ufrag:.*", "a=ice-pwd:.*"} {
		fragment += regexp.MustCompile(pattern).FindString(offer) + "\n"
	}
	return strings.ReplaceAll(strings.ReplaceAll(fragment+line+"\n", "\r", ""), "\n", "\r\n")
}

// What kinds of candidates this Pion has: "udp", "tcp passive".
func candidateKinds(asked request) (interface{}, error) {
	s, err := newSession(asked)
	if err != nil {
		return nil, err
	}
	defer s.connection.Close()
	if err := s.watch(); err != nil {
		return nil, err
	}
	if err := s.gather(true); err != nil {
		return nil, err
	}
	kinds := map[string]bool{}
	pattern := regexp.MustCompile(`a=candidate:\S+ \d+ (\S+) .*typ \w+(?: tcptype (\w+))?`)
	for _, found := range pattern.FindAllStringSubmatch(s.offer, -1) {
		kinds[strings.TrimSpace(found[1]+" "+found[2])] = true
	}
	return keys(kinds), nil
}
