package main

import (
	"fmt"
	"sync"
	"time"

	ipc "github.com/joe-at-startupmedia/golang-ipc"
)

// sessions are what one start made: a single one under client id 0, or one for each client of a multi-client server.
type sessions struct {
	closeEnds func()
	mutex     sync.Mutex
	byClient  map[int]*session
	closed    chan struct{} // when closing begins
}

func newSessions(closeEnds func()) *sessions {
	return &sessions{closeEnds: closeEnds, byClient: map[int]*session{}, closed: make(chan struct{})}
}

func (all *sessions) begin(s *session) {
	all.mutex.Lock()
	defer all.mutex.Unlock()
	all.byClient[s.client] = s
	go s.receive()
}

// of waits for the session with a client, which may have connected before it was noticed here.
func (all *sessions) of(client int) (*session, error) {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if s := all.find(client); s != nil {
			return s, nil
		}
	}
	return nil, fmt.Errorf("no client %d", client)
}

func (all *sessions) find(client int) *session {
	all.mutex.Lock()
	defer all.mutex.Unlock()
	return all.byClient[client]
}

// close settles and then closes everything, also what could not be settled. golang-ipc ends a connection with "Closed"; it does
// not say so where there is none.
func (all *sessions) close() error {
	all.mutex.Lock()
	defer all.mutex.Unlock()
	var unsettled error
	for _, s := range all.byClient {
		if err := s.settle(); err != nil {
			unsettled = fmt.Errorf("close: settling: %w", err)
		}
	}
	close(all.closed)
	var connected []*session
	for _, s := range all.byClient {
		s.leaving.Store(true)
		if s.end.StatusCode() == ipc.Connected {
			connected = append(connected, s)
		}
	}
	all.closeEnds()
	overdue := time.After(time.Second)
	for _, s := range connected {
		select {
		case <-s.ended:
		case <-overdue: // it disconnected meanwhile
			return unsettled
		}
	}
	return unsettled
}
