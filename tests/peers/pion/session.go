package main

import (
	"errors"
	"fmt"
	"io"
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

const limit = 60 * time.Second // a hang, not a promise

var version string // set by the build

var av1 = webrtc.RTPCodecParameters{
	RTPCodecCapability: webrtc.RTPCodecCapability{
		MimeType:  "video/AV1",
		ClockRate: 90000,
		RTCPFeedback: []webrtc.RTCPFeedback{
			{Type: "ccm", Parameter: "fir"}, {Type: "nack"}, {Type: "nack", Parameter: "pli"},
		},
	},
	PayloadType: 45,
}

// One peer connection, as a publisher or as a viewer.
type session struct {
	asked      request
	connection *webrtc.PeerConnection
	location   string
	connected  chan error
	ended      chan struct{}
	senders    sync.WaitGroup

	lock   sync.Mutex
	sent   map[string]*sentMedia
	tracks map[string]*receivedMedia
}

func newAPI() (*webrtc.API, error) {
	media := &webrtc.MediaEngine{}
	if err := media.RegisterDefaultCodecs(); err != nil {
		return nil, err
	}
	if err := media.RegisterCodec(av1, webrtc.RTPCodecTypeVideo); err != nil {
		return nil, err
	}
	interceptors := &interceptor.Registry{}
	if err := webrtc.RegisterDefaultInterceptors(media, interceptors); err != nil {
		return nil, err
	}
	settings := webrtc.SettingEngine{}
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	return webrtc.NewAPI(webrtc.WithMediaEngine(media), webrtc.WithInterceptorRegistry(interceptors),
		webrtc.WithSettingEngine(settings)), nil
}

func newSession(asked request) (*session, error) {
	api, err := newAPI()
	if err != nil {
		return nil, err
	}
	connection, err := api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return nil, err
	}
	made := &session{asked: asked, connection: connection, connected: make(chan error, 8),
		ended: make(chan struct{}), sent: map[string]*sentMedia{}, tracks: map[string]*receivedMedia{}}
	connection.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		switch state {
		case webrtc.PeerConnectionStateConnected:
			made.connected <- nil
		case webrtc.PeerConnectionStateFailed:
			made.connected <- errors.New("the connection failed")
		}
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
	offer, err := s.connection.CreateOffer(nil)
	if err != nil {
		return nil, err
	}
	gathered := webrtc.GatheringCompletePromise(s.connection)
	if err := s.connection.SetLocalDescription(offer); err != nil {
		return nil, err
	}
	<-gathered
	text := s.connection.LocalDescription().SDP
	if s.asked.Passive {
		text = strings.ReplaceAll(text, "a=setup:actpass", "a=setup:passive")
	}
	answered, err := s.post(text)
	if err != nil {
		return nil, err
	}
	there := webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: redirected(answered, s.asked.Path)}
	if err := s.connection.SetRemoteDescription(there); err != nil {
		return nil, err
	}
	select {
	case err = <-s.connected:
	case <-time.After(limit):
		err = errors.New("the connection hangs in state " + s.connection.ConnectionState().String())
	}
	setup := regexp.MustCompile(`a=setup:(\w+)`).FindStringSubmatch(answered)
	return map[string]string{"setup": setup[1]}, err
}

func (s *session) post(offer string) (string, error) {
	response, err := http.Post(s.asked.URL, "application/sdp", strings.NewReader(offer))
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
	s.location = location.String()
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
