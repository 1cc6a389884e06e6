package main

import (
	"errors"
	"fmt"
	"sync"
	"time"

	ipc "github.com/joe-at-startupmedia/golang-ipc"
)

// peer is the endpoint under command: no session, or the one that the last start made.
type peer struct {
	opts    options
	events  *events
	mutex   sync.Mutex
	current *session
}

func (p *peer) run(c command) (any, error) {
	if c.Command == "start" {
		return nil, p.start()
	}
	s := p.session()
	if s == nil {
		return nil, fmt.Errorf("%s: not started", c.Command)
	}
	switch c.Command {
	case "echo":
		return s.echo(c.Type, c.Count, c.Size)
	case "send":
		return s.send(c.Count, c.Size)
	case "report":
		return s.report()
	case "close":
		p.setSession(nil)
		return s.close()
	default:
		return nil, fmt.Errorf("unknown command %q", c.Command)
	}
}

// start listens (server) or connects (client). A client's start ends when it may write.
func (p *peer) start() error {
	if p.session() != nil {
		return errors.New("start: already started")
	}
	end, err := p.open()
	if err != nil {
		return err
	}
	s := newSession(end, p.opts.role == "client", p.events)
	p.setSession(s)
	go s.receive()
	if !s.isClient {
		return nil
	}
	// StartClient leaves the delivery of "Connected" to a goroutine, and Read closes the channel that it sends on
	// when the client closes (actor.go:59): only after the message has come is it safe to close again.
	select {
	case <-s.connected:
		return nil
	case <-time.After(patience):
		return errors.New("start: golang-ipc connected but never said so")
	}
}

func (p *peer) open() (endpoint, error) {
	if p.opts.role == "server" {
		return ipc.StartServer(&ipc.ServerConfig{
			Name:       p.opts.name,
			Encryption: p.opts.encryption,
			MaxMsgSize: p.opts.maxMessageSize,
		})
	}
	client, err := ipc.StartClient(&ipc.ClientConfig{
		Name:       p.opts.name,
		Encryption: p.opts.encryption,
		Timeout:    p.opts.timeout,
		RetryTimer: p.opts.retry,
	})
	if err != nil {
		client.Close() // after a time-out its dialling goroutine may still hold a connection
	}
	return client, err
}

// abandon closes without waiting for anything: the process is about to exit.
func (p *peer) abandon() {
	if s := p.session(); s != nil {
		s.end.Close()
	}
}

func (p *peer) session() *session {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.current
}

func (p *peer) setSession(s *session) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.current = s
}
