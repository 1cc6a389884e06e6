package main

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	ipc "github.com/joe-at-startupmedia/golang-ipc"
)

// peer is the endpoint under command: no sessions, or those that the last start made.
type peer struct {
	opts    options
	events  *events
	mutex   sync.Mutex
	current *sessions
	pool    *pool // a multi-client server's
}

func (p *peer) run(c command) (any, error) {
	if c.Command == "start" {
		return p.start()
	}
	all := p.sessions()
	if all == nil {
		return nil, fmt.Errorf("%s: not started", c.Command)
	}
	switch c.Command {
	case "close":
		p.setSessions(nil)
		return nil, all.close()
	case "free":
		if p.pool == nil {
			return nil, errors.New("free: only a multi-client server has a manager")
		}
		return nil, p.pool.awaitManager()
	case "collect":
		// golang-ipc only forgets a connection that it does not serve (server.go:101). Go closes it with its garbage, which it
		// collects within two minutes by itself.
		runtime.GC()
		return nil, nil
	}
	s, err := all.of(c.Client)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Command, err)
	}
	switch c.Command {
	case "echo":
		return s.echo(c.Type, c.Count, c.Size)
	case "send":
		return s.send(c.Count, c.Size)
	case "report":
		return s.report()
	default:
		return nil, fmt.Errorf("unknown command %q", c.Command)
	}
}

type starting struct {
	// ClientID is what the manager of a multi-client server gave to this client; 0 everywhere else.
	ClientID int `json:"clientId"`
}

// start listens (server) or connects (client). A client's start ends when it may write.
func (p *peer) start() (*starting, error) {
	if p.sessions() != nil {
		return nil, errors.New("start: already started")
	}
	if p.opts.role == "server" {
		return &starting{}, p.listen()
	}
	client, err := dial(p.opts)
	if err != nil {
		return nil, err
	}
	s := newSession(client, true, p.events)
	p.setSessions(newSessions(client.Close))
	p.sessions().begin(s)
	// StartClient leaves the delivery of "Connected" to a goroutine, and Read closes the channel that it sends on
	// when the client closes (actor.go:62): only after the message has come is it safe to close again.
	select {
	case <-s.connected:
		return &starting{ClientID: client.ClientId}, nil
	case <-time.After(patience):
		return nil, errors.New("start: golang-ipc connected but never said so")
	}
}

func (p *peer) listen() error {
	if p.opts.multi {
		keepOrder()
	}
	server, err := ipc.StartServer(&ipc.ServerConfig{
		Name:        p.opts.name,
		Encryption:  p.opts.encryption,
		MultiClient: p.opts.multi,
	})
	if err != nil {
		return err
	}
	all := newSessions(server.Close)
	p.setSessions(all)
	if p.opts.multi {
		p.pool = newPool(server)
		go p.pool.adopt(all, p.events)
	} else {
		all.begin(newSession(server, false, p.events))
	}
	return nil
}

// abandon closes without waiting for anything: the process is about to exit.
func (p *peer) abandon() {
	if all := p.sessions(); all != nil {
		all.closeEnds()
	}
}

func (p *peer) sessions() *sessions {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.current
}

func (p *peer) setSessions(all *sessions) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.current = all
}
