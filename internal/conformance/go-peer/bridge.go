package main

import (
	"io"
	"net"
	"sync"
)

// startBridge carries golang-ipc's unix socket, whose path is fixed, over TCP. For a client it listens where the
// client dials and connects to the TCP address; for a server it listens on TCP and connects to the server's socket.
func startBridge(opts options) (net.Listener, error) {
	path := "/tmp/" + opts.name + ".sock"
	listenNetwork, listenAddress, dialNetwork, dialAddress := "tcp", opts.bridgeTCP, "unix", path
	if opts.role == "client" {
		listenNetwork, listenAddress, dialNetwork, dialAddress = "unix", path, "tcp", opts.bridgeTCP
	}
	listener, err := net.Listen(listenNetwork, listenAddress)
	if err != nil {
		return nil, err
	}
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer near.Close()
				far, err := net.Dial(dialNetwork, dialAddress)
				if err != nil {
					return
				}
				defer far.Close()
				relay(near, far)
			}()
		}
	}()
	return listener, nil
}

// relay copies both ways and hands on each end of stream by itself, until both directions have ended.
func relay(a, b net.Conn) {
	var directions sync.WaitGroup
	for _, way := range [][2]net.Conn{{a, b}, {b, a}} {
		directions.Add(1)
		go func(from, to net.Conn) {
			defer directions.Done()
			_, err := io.Copy(to, from)
			if err != nil {
				from.Close() // cut, not ended: cut the rest as well
				to.Close()
				return
			}
			_ = to.(interface{ CloseWrite() error }).CloseWrite()
		}(way[0], way[1])
	}
	directions.Wait()
}
