package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/pion/ice/v2"
	"github.com/pion/interceptor"
	"github.com/pion/webrtc/v3"
)

const (
	limit         = 60 * time.Second // a hang, not a promise
	candidatesMax = 256
)

var version string // set by the build

// One peer connection, as a publisher or as a viewer.
type session struct {
	asked      request
	connection *webrtc.PeerConnection
	offer      string
	location   string
	tag        string // of its ICE session
	connected  chan error
	candidates chan string // closed when there are no more
	ended      chan struct{}
	senders    sync.WaitGroup

	lock   sync.Mutex
	sent   map[string]*sentMedia
	tracks map[string]*receivedMedia
}

func newAPI(asked request) (*webrtc.API, error) {
	media := &webrtc.MediaEngine{}
	if asked.Bare {
		for _, codec := range bareCodecs {
			if err := media.RegisterCodec(codec, kindOf(codec)); err != nil {
				return nil, err
			}
		}
	} else {
		if err := media.RegisterDefaultCodecs(); err != nil {
			return nil, err
		}
		if err := media.RegisterCodec(av1, webrtc.RTPCodecTypeVideo); err != nil {
			return nil, err
		}
	}
	interceptors := &interceptor.Registry{}
	if err := webrtc.RegisterDefaultInterceptors(media, interceptors); err != nil {
		return nil, err
	}
	settings := webrtc.SettingEngine{}
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	if asked.TCP {
		// Open as long as the program runs.
		listener, err := net.Listen("tcp4", ":0")
		if err != nil {
			return nil, err
		}
		settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeTCP4})
		settings.SetICETCPMux(webrtc.NewICETCPMux(nil, listener, 8))
	}
	return webrtc.NewAPI(webrtc.WithMediaEngine(media), webrtc.WithInterceptorRegistry(interceptors),
		webrtc.WithSettingEngine(settings)), nil
}

func newSession(asked request) (*session, error) {
	api, err := newAPI(asked)
	if err != nil {
		return nil, err
	}
	connection, err := api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return nil, err
	}
	made := &session{asked: asked, connection: connection, connected: make(chan error, 8),
		candidates: make(chan string, candidatesMax), ended: make(chan struct{}), sent: map[string]*sentMedia{}, tracks: map[string]*receivedMedia{}}
	connection.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		switch state {
		case webrtc.PeerConnectionStateConnected:
			made.connected <- nil
		case webrtc.PeerConnectionStateFailed:
			made.connected <- errors.New("the connection failed")
		}
	})
	connection.OnICECandidate(func(found *webrtc.ICECandidate) {
		if found == nil {
			close(made.candidates)
			return
		}
		made.candidates <- found.ToJSON().Candidate
	})
	if asked.Data {
		if _, err := connection.CreateDataChannel("unused", nil); err != nil {
			return nil, err
		}
	}
	return made, nil
}

// Offers, posts the offer, and waits until media can flow.
func (s *session) connect() (interface{}, error) {
	if err := s.gather(!s.asked.Trickle); err != nil {
		return nil, err
	}
	answered, err := s.post()
	if err != nil {
		return nil, err
	}
	there := webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: redirected(answered, s.asked.Path)}
	if err := s.connection.SetRemoteDescription(there); err != nil {
		return nil, err
	}
	told := map[string]interface{}{"setup": regexp.MustCompile(`a=setup:(\w+)`).FindStringSubmatch(answered)[1]}
	if s.asked.Trickle {
		if told["trickled"], err = s.trickle(); err != nil {
			return nil, err
		}
	}
	select {
	case err = <-s.connected:
	case <-time.After(limit):
		err = errors.New("the connection hangs in state " + s.connection.ConnectionState().String())
	}
	return told, err
}

// Makes the offer, with all candidates or without any.
func (s *session) gather(wait bool) error {
	offer, err := s.connection.CreateOffer(nil)
	if err != nil {
		return err
	}
	gathered := webrtc.GatheringCompletePromise(s.connection)
	if err := s.connection.SetLocalDescription(offer); err != nil {
		return err
	}
	s.offer = offer.SDP
	if wait {
		<-gathered
		s.offer = s.connection.LocalDescription().SDP
	}
	if s.asked.Passive {
		s.offer = strings.ReplaceAll(s.offer, "a=setup:actpass", "a=setup:passive")
	}
	return nil
}

func (s *session) post() (string, error) {
	response, err := http.Post(s.asked.URL, "application/sdp", strings.NewReader(s.offer))
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return "", err
	}
	if response.StatusCode != http.StatusCreated {
		return "", fmt.Errorf("%d %s", response.StatusCode, body)
	}
	base, err := url.Parse(s.asked.URL)
	if err != nil {
		return "", err
	}
	location, err := base.Parse(response.Header.Get("Location"))
	if err != nil {
		return "", err
	}
	s.location, s.tag = location.String(), response.Header.Get("ETag")
	return string(body), nil
}

// The relay's answer with all of its candidates over UDP at one other address.
func redirected(description, path string) string {
	if path == "" {
		return description
	}
	address := strings.Replace(path, ":", " ", 1)
	candidates := regexp.MustCompile(`(?m)^(a=candidate:\S+ 1 udp \d+) \S+ \d+ `)
	return candidates.ReplaceAllString(description, "${1} "+address+" ")
}

func (s *session) close() (interface{}, error) {
	close(s.ended)
	s.senders.Wait()
	if s.location != "" {
		remove, err := http.NewRequest(http.MethodDelete, s.location, nil)
		if err != nil {
			return nil, err
		}
		response, err := http.DefaultClient.Do(remove)
		if err != nil {
			return nil, err
		}
		response.Body.Close()
	}
	if err := s.connection.Close(); err != nil {
		return nil, err
	}
	return s.finish()
}

// What an offer of this engine lists, which is all there is to know about it.
func capabilities() (interface{}, error) {
	s, err := newSession(request{})
	if err != nil {
		return nil, err
	}
	defer s.connection.Close()
	names := []string{}
	for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo} {
		if _, err := s.connection.AddTransceiverFromKind(kind); err != nil {
			return nil, err
		}
	}
	offer, err := s.connection.CreateOffer(nil)
	if err != nil {
		return nil, err
	}
	kind := ""
	for _, line := range strings.Split(offer.SDP, "\r\n") {
		if strings.HasPrefix(line, "m=") {
			kind = strings.Fields(line[2:])[0]
		}
		if strings.HasPrefix(line, "a=rtpmap:") {
			name := strings.Split(strings.Fields(line)[1], "/")[0]
			names = append(names, strings.ToLower(kind+"/"+name))
		}
	}
	return map[string]interface{}{"version": "pion/webrtc v" + version, "sends": names, "receives": names}, nil
}
