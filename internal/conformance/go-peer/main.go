// go-peer is a real golang-ipc endpoint on a string: a test starts it, gives it commands as JSON lines on stdin
// and reads events as JSON lines on stdout. Everything golang-ipc itself logs goes to stderr.
//
//	go-peer --role server|client --name NAME [--encryption] [--multi | --bridge-tcp HOST:PORT] …
//	go-peer --role throughput [--encryption] [--count N] [--size BYTES]
//
// It ends when its stdin does, whatever it is waiting for, so no test can leave it behind.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"
)

type options struct {
	role           string
	name           string
	encryption     bool
	multi          bool
	maxMessageSize int
	timeout        time.Duration
	retry          time.Duration
	bridgeTCP      string
	count          int
	size           int
}

func parseOptions() (options, error) {
	var o options
	var timeoutMs, retryMs int
	flag.StringVar(&o.role, "role", "", "server, client or throughput")
	flag.StringVar(&o.name, "name", "", "ipc name; golang-ipc puts its socket at /tmp/NAME.sock")
	flag.BoolVar(&o.encryption, "encryption", false, "encrypt (golang-ipc's own default when a config is given: off)")
	flag.BoolVar(&o.multi, "multi", false, "golang-ipc's MultiClient: its sockets are /tmp/NAME_manager.sock, /tmp/NAME1.sock, …")
	flag.IntVar(&o.maxMessageSize, "max-message-size", 0, "server: bytes, under 1024 means golang-ipc's default of 3145728")
	flag.IntVar(&timeoutMs, "timeout-ms", 10_000, "client: dial time-out, 0 waits for ever")
	flag.IntVar(&retryMs, "retry-ms", 20, "client: delay between dials; golang-ipc takes 0 for 1000")
	flag.StringVar(&o.bridgeTCP, "bridge-tcp", "", "HOST:PORT to carry the socket to (client) or to offer it on (server)")
	flag.IntVar(&o.count, "count", 200_000, "throughput: messages")
	flag.IntVar(&o.size, "size", 64, "throughput: bytes of data in each message")
	flag.Parse()
	o.timeout = time.Duration(timeoutMs) * time.Millisecond
	o.retry = time.Duration(retryMs) * time.Millisecond

	switch {
	case o.role != "server" && o.role != "client" && o.role != "throughput":
		return o, fmt.Errorf("--role takes server, client or throughput, got %q", o.role)
	case o.role != "throughput" && o.name == "":
		return o, errors.New("--name is missing")
	case o.multi && (o.role == "throughput" || o.bridgeTCP != ""):
		return o, errors.New("--multi goes with neither --role throughput nor --bridge-tcp, which carries one socket")
	case flag.NArg() > 0:
		return o, fmt.Errorf("unexpected argument %q", flag.Arg(0))
	}
	return o, nil
}

func main() {
	out := newEvents(os.Stdout)
	// golang-ipc's logger writes to whatever os.Stdout is when an endpoint is made (actor.go:32); stdout is ours.
	os.Stdout = os.Stderr

	opts, err := parseOptions()
	if err == nil {
		if opts.role == "throughput" {
			err = measureThroughput(opts, out)
		} else {
			err = serveCommands(opts, os.Stdin, out)
		}
	}
	if err != nil {
		out.emit(event{Event: "fatal", Message: err.Error()})
		os.Exit(1)
	}
}

// serveCommands runs the commands one after the other until stdin ends; then it leaves at once, even in mid-command.
func serveCommands(opts options, stdin io.Reader, out *events) error {
	if opts.bridgeTCP != "" {
		bridge, err := startBridge(opts)
		if err != nil {
			return err
		}
		defer bridge.Close()
		out.emit(event{Event: "bridged", Address: bridge.Addr().String()})
	}
	p := &peer{opts: opts, events: out}
	defer p.abandon()

	queue := make(chan command, 64)
	go func() {
		for c := range queue {
			if result, err := p.run(c); err != nil {
				out.emit(event{Event: "failed", ID: c.ID, Message: err.Error()})
			} else {
				out.emit(event{Event: "done", ID: c.ID, Result: result})
			}
		}
	}()

	for decoder := json.NewDecoder(stdin); ; {
		var c command
		if err := decoder.Decode(&c); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("malformed command: %w", err)
		}
		queue <- c
	}
}
