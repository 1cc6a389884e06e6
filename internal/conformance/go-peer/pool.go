package main

import (
	"errors"
	"runtime"
	"sync/atomic"
	"time"

	ipc "github.com/joe-at-startupmedia/golang-ipc"
)

// keepOrder lets a new goroutine run only when the one that made it waits, as golang-ipc's pool supposes. On two
// processors the manager drops one request in fifty: it reads it before it has noted that the asker is connected, may
// not answer then, and does not try again (server.go:114, pool.go:62). And a slot turns away one client in a hundred that
// dials before "Listening" is noted (server.go:83), until that client's dial times out.
func keepOrder() {
	runtime.GOMAXPROCS(1)
}

// pool is what golang-ipc makes of a server for many clients: a manager, which gives each client its id, and from
// index 1 on one server for each id, its slot.
type pool struct {
	connections *ipc.ConnectionPool
	manager     *ipc.Server
	adopted     int
}

func newPool(server *ipc.Server) *pool {
	return &pool{connections: server.Connections, manager: server.Connections.Servers[0]}
}

// adopt begins a session for each slot, new ones as they appear, until all are closed. golang-ipc does not announce a new
// slot. Nothing is lost meanwhile: its messages wait for the first Read.
func (p *pool) adopt(all *sessions, out *events) {
	for {
		for _, slot := range p.newSlots() {
			p.adopted++
			s := newSession(slot, false, out)
			s.client = p.adopted
			all.begin(s)
		}
		select {
		case <-all.closed:
			return
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// newSlots reads what golang-ipc's listener may be appending to. Its lock is private, so MapExec, which holds it, counts;
// whatever the listener does then, the first that many stay where they are.
func (p *pool) newSlots() []*ipc.Server {
	var count atomic.Int32
	p.connections.MapExec(func(*ipc.Server) { count.Add(1) }, "newSlots")
	return p.connections.Servers[1+p.adopted : 1+count.Load()]
}

// awaitManager waits until golang-ipc's manager would serve a client. It serves one connection at a time and looks at no
// other: one that is accepted before the end of the last was noticed waits for ever (server.go:101), golang-ipc's own
// client included.
func (p *pool) awaitManager() error {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		switch p.manager.StatusCode() {
		case ipc.Listening, ipc.Disconnected:
			return nil
		case ipc.Error:
			return errors.New("free: a handshake has failed, and golang-ipc's manager listens no more")
		}
	}
	return errors.New("free: a client stays connected to golang-ipc's manager")
}
