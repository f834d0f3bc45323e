package standin

import (
	"context"
	"net"
	"net/http"
	"sync"
)

// Memory serves HTTP over connections in memory, so that clients and server can be on a clock that stands
// still while anything runs (testing/synctest), where a test holds exactly, however busy the machine is.
type Memory struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
	server http.Server
}

// Serve begins to serve.
func Serve(h http.Handler) *Memory {
	m := &Memory{conns: make(chan net.Conn), closed: make(chan struct{}), server: http.Server{Handler: h}}
	go func() { _ = m.server.Serve(m) }()
	return m
}

// Dial connects a client.
func (m *Memory) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case m.conns <- server:
		return client, nil
	case <-m.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept takes the next connection.
func (m *Memory) Accept() (net.Conn, error) {
	select {
	case c := <-m.conns:
		return c, nil
	case <-m.closed:
		return nil, net.ErrClosed
	}
}

// Close takes no more connections; the server calls it.
func (m *Memory) Close() error {
	m.once.Do(func() { close(m.closed) })
	return nil
}

// Stop ends the server and all connections.
func (m *Memory) Stop() { _ = m.server.Close() }

// Addr is no address.
func (m *Memory) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "memory"} }
