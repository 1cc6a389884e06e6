package main

import (
	"errors"
	"time"

	ipc "github.com/joe-at-startupmedia/golang-ipc"
)

// retryPause is what golang-ipc waits between two dials; it takes 0 for a second.
const retryPause = 20 * time.Millisecond

type dialled struct {
	client *ipc.Client
	err    error
}

// dial is StartClient with a bound. golang-ipc's own time-out covers the dials of a multi-client client, but not its wait
// for an id, which a manager that does not serve it never ends (pool.go:109).
func dial(opts options) (*ipc.Client, error) {
	started := make(chan dialled, 1)
	go func() {
		client, err := ipc.StartClient(&ipc.ClientConfig{
			Name:        opts.name,
			Encryption:  opts.encryption,
			Timeout:     opts.timeout,
			RetryTimer:  retryPause,
			MultiClient: opts.multi,
		})
		started <- dialled{client, err}
	}()
	if !opts.multi {
		return (<-started).settle()
	}
	select {
	case d := <-started:
		return d.settle()
	case <-time.After(patience):
		go func() {
			if client, err := (<-started).settle(); err == nil {
				client.Close()
			}
		}()
		return nil, errors.New("start: no id from golang-ipc's manager")
	}
}

// settle closes a client that failed: after a time-out its dialling goroutine may still hold a connection. There is none
// when the manager could not be reached.
func (d dialled) settle() (*ipc.Client, error) {
	if d.err != nil && d.client != nil {
		d.client.Close()
	}
	return d.client, d.err
}
