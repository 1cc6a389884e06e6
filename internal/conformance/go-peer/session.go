package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	ipc "github.com/joe-at-startupmedia/golang-ipc"
)

// Message types between two ends of a test; src/peer-protocol.ts has the same. Any other type is echoed.
const (
	oneWay       = 100 // counted, not answered
	reportWanted = 101 // answered with reportGiven: the JSON of the tally of one-way messages, which starts again from zero
	reportGiven  = 102
)

// patience bounds every wait for the other end or for golang-ipc.
const patience = 20 * time.Second

// endpoint is what *ipc.Server and *ipc.Client have in common.
type endpoint interface {
	Read() (*ipc.Message, error)
	Write(msgType int, data []byte) error
	StatusCode() ipc.Status
}

// session is one golang-ipc server or client, from its start to its close, and what it has received.
type session struct {
	end       endpoint
	isClient  bool
	client    int // of a multi-client server: the id of the client at the other end
	events    *events
	received  tally
	questions sync.Mutex        // held while an answer is awaited
	answers   chan *ipc.Message // to the command that asked
	connected chan struct{}     // closed at the first status "Connected"
	ended     chan struct{}     // closed when nothing more will be read
	leaving   atomic.Bool       // this end is being closed: errors are no news
	unsettled bool              // one-way messages were written and no report came since
}

func newSession(end endpoint, isClient bool, out *events) *session {
	return &session{
		end:       end,
		isClient:  isClient,
		events:    out,
		answers:   make(chan *ipc.Message, 1),
		connected: make(chan struct{}),
		ended:     make(chan struct{}),
	}
}

// receive takes every message that golang-ipc delivers. Only plain Read: a timed-out ReadTimed leaves a goroutine
// that takes a later message and puts it back out of order (actor.go:97).
func (s *session) receive() {
	defer close(s.ended)
	seenConnected, seenClosed := false, false
	for {
		m, err := s.end.Read()
		if err != nil {
			if seenClosed {
				return // the error that golang-ipc sends after "Closed"
			}
			if !s.leaving.Load() {
				s.emit(event{Event: "error", Message: err.Error()})
			}
			if s.isClient {
				return // Read has closed the channels (actor.go:62)
			}
			continue
		}
		switch {
		case m.MsgType < 0:
			s.emit(event{Event: "status", Status: m.Status})
			if m.Status == ipc.Connected.String() && !seenConnected {
				seenConnected = true
				close(s.connected)
			}
			seenClosed = m.Status == ipc.Closed.String()
		case m.MsgType == oneWay:
			s.received.add(m.Data)
		case m.MsgType == reportWanted:
			s.answerReport()
		case m.MsgType == reportGiven, s.isAsking():
			s.deliver(m)
		default:
			s.answer(m.MsgType, m.Data)
		}
	}
}

func (s *session) emit(ev event) {
	ev.Client = s.client
	s.events.emit(ev)
}

func (s *session) answerReport() {
	data, err := json.Marshal(s.received.take())
	if err != nil {
		s.emit(event{Event: "error", Message: err.Error()})
		return
	}
	s.answer(reportGiven, data)
}

// answer writes from the reading goroutine. A server starts to read before it sets its status to Connected
// (server.go:114-117), and Write refuses in between when the client is not its first.
func (s *session) answer(messageType int, data []byte) {
	for end := time.Now().Add(time.Second); s.end.StatusCode() == ipc.Disconnected && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	if err := s.end.Write(messageType, data); err != nil {
		s.emit(event{Event: "error", Message: fmt.Sprintf("answer of type %d: %s", messageType, err)})
	}
}

func (s *session) isAsking() bool {
	if s.questions.TryLock() {
		s.questions.Unlock()
		return false
	}
	return true
}

func (s *session) deliver(m *ipc.Message) {
	select {
	case s.answers <- m:
	default:
		s.emit(event{Event: "error", Message: fmt.Sprintf("unexpected answer of type %d, %d bytes", m.MsgType, len(m.Data))})
	}
}

// ask writes one message and waits for the next one that is neither one-way nor a request for a report.
func (s *session) ask(messageType int, data []byte) (*ipc.Message, error) {
	s.questions.Lock()
	defer s.questions.Unlock()
	if err := s.end.Write(messageType, data); err != nil {
		return nil, err
	}
	select {
	case m := <-s.answers:
		return m, nil
	case <-s.ended:
		return nil, errors.New("closed while waiting for an answer")
	case <-time.After(patience):
		return nil, fmt.Errorf("no answer to a message of type %d, %d bytes", messageType, len(data))
	}
}

// echo sends messages one by one and expects each of them back.
func (s *session) echo(messageType, count, size int) (*tally, error) {
	var sent tally
	for i := 0; i < count; i++ {
		data := payload(i, size)
		m, err := s.ask(messageType, data)
		if err != nil {
			return nil, fmt.Errorf("echo %d of %d: %w", i+1, count, err)
		}
		if m.MsgType != messageType || !bytes.Equal(m.Data, data) {
			return nil, fmt.Errorf("echo %d of %d: sent type %d, %d bytes; got type %d, %d bytes, different",
				i+1, count, messageType, size, m.MsgType, len(m.Data))
		}
		sent.add(data)
	}
	return sent.take(), nil
}

// send writes one-way messages and tells what it wrote; report tells what arrived.
func (s *session) send(count, size int) (*tally, error) {
	var sent tally
	for i := 0; i < count; i++ {
		data := payload(i, size)
		if err := s.end.Write(oneWay, data); err != nil {
			return nil, fmt.Errorf("message %d of %d: %w", i+1, count, err)
		}
		s.unsettled = true
		sent.add(data)
	}
	return sent.take(), nil
}

// report asks the other end for its tally. Its answer also proves that all written before has left this process.
func (s *session) report() (*tally, error) {
	m, err := s.ask(reportWanted, nil)
	if err != nil {
		return nil, err
	}
	var theirs tally
	if err := json.Unmarshal(m.Data, &theirs); err != nil {
		return nil, fmt.Errorf("report of type %d, %d bytes: %w", m.MsgType, len(m.Data), err)
	}
	s.unsettled = false
	return &theirs, nil
}

// settle asks for a report where one is due: Write only hands a message to a goroutine, and Close drops what that has
// not flushed.
func (s *session) settle() error {
	if !s.unsettled {
		return nil
	}
	_, err := s.report()
	return err
}
