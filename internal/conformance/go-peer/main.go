// go-peer is a real golang-ipc endpoint on a string: a test starts it, gives it commands as JSON lines on stdin
// and reads events as JSON lines on stdout. Everything golang-ipc itself logs goes to stderr.
//
//	go-peer --role server|client --name NAME [--encryption] [--multi] [--timeout-ms N]
//	go-peer --role calls-client|calls-server --name NAME [--encryption] [--multi]
//	go-peer --role bench [--encryption] [--count N] [--size BYTES] [--pings N] [--ping-limit DURATION]
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
	role       string
	name       string
	encryption bool
	multi      bool
	timeout    time.Duration
	count      int
	size       int
	pings      int
	pingLimit  time.Duration
}

func parseOptions() (options, error) {
	var o options
	var timeoutMs int
	flag.StringVar(&o.role, "role", "", "server, client, bench, bench-server, calls-client or calls-server")
	flag.StringVar(&o.name, "name", "", "ipc name; golang-ipc puts its socket at /tmp/NAME.sock")
	flag.BoolVar(&o.encryption, "encryption", false, "encrypt (golang-ipc's own default when a config is given: off)")
	flag.BoolVar(&o.multi, "multi", false, "golang-ipc's MultiClient: its sockets are /tmp/NAME_manager.sock, /tmp/NAME1.sock, …")
	flag.IntVar(&timeoutMs, "timeout-ms", 10_000, "client: dial time-out, 0 waits for ever")
	flag.IntVar(&o.count, "count", 200_000, "bench: messages one way, 0 for round trips only")
	flag.IntVar(&o.size, "size", 64, "bench: bytes of data in each message")
	flag.IntVar(&o.pings, "pings", 2_000, "bench: round trips")
	flag.DurationVar(&o.pingLimit, "ping-limit", 10*time.Second, "bench: for how long round trips are made at the most")
	flag.Parse()
	o.timeout = time.Duration(timeoutMs) * time.Millisecond

	measures := o.role == "bench"
	calls := o.role == "calls-client" || o.role == "calls-server"
	switch {
	case !measures && !calls && o.role != "server" && o.role != "client" && o.role != "bench-server":
		return o, fmt.Errorf("--role takes server, client, bench, bench-server, calls-client or calls-server, got %q", o.role)
	case !measures && o.name == "":
		return o, errors.New("--name is missing")
	case o.multi && (measures || o.role == "bench-server"):
		return o, errors.New("--multi goes with a role that takes commands")
	case measures && (o.pings < 1 || o.count < 0):
		return o, errors.New("--pings takes 1 or more, --count 0 or more")
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
		switch opts.role {
		case "bench":
			err = measureBench(opts, out)
		case "bench-server":
			err = serveBench(opts)
		case "calls-client", "calls-server":
			err = exchangeCalls(opts, opts.role == "calls-server", out)
		default:
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
