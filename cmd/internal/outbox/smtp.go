package outbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"time"

	"github.com/wneessen/go-mail"
)

// Server is an outbox that hands letters to a mail server, over one connection.
type Server struct {
	client *mail.Client
	open   bool
}

// timeout is how long the mail server may be silent; RFC 5321 lets it think for minutes after a letter.
const timeout = 2 * time.Minute

// OpenServer connects to smtp://user@host:587 or smtps://user@host:465. smtp:// goes on only when the server
// offers TLS, unless the host is this machine or the address says ?tls=none.
func OpenServer(ctx context.Context, address, password string) (*Server, error) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.Path != "" && u.Path != "/" {
		return nil, errors.New("mail server: write its address as smtp://user@host:587 or smtps://user@host:465")
	}
	options, err := clientOptions(u, password)
	if err != nil {
		return nil, err
	}
	client, err := mail.NewClient(u.Hostname(), options...)
	if err != nil {
		return nil, fmt.Errorf("mail server: %w", err)
	}
	if err := client.DialWithContext(ctx); err != nil {
		return nil, fmt.Errorf("mail server %s: %w", u.Host, err)
	}
	return &Server{client: client, open: true}, nil
}

func clientOptions(u *url.URL, password string) ([]mail.Option, error) {
	options := []mail.Option{mail.WithTimeout(timeout)}
	switch {
	case u.Scheme == "smtps":
		options = append(options, mail.WithSSLPort(false))
	case u.Scheme != "smtp":
		return nil, fmt.Errorf("mail server: %q is neither smtp nor smtps", u.Scheme)
	case u.Query().Get("tls") == "none":
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	case u.Query().Get("tls") != "":
		return nil, errors.New("mail server: tls may only be none")
	case loopback(u.Hostname()):
		options = append(options, mail.WithTLSPolicy(mail.TLSOpportunistic))
	default:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if u.Port() != "" {
		port, err := strconv.Atoi(u.Port())
		if err != nil {
			return nil, errors.New("mail server: the port is no number")
		}
		options = append(options, mail.WithPort(port))
	}
	if own, given := u.User.Password(); given && password == "" {
		password = own
	}
	user := u.User.Username()
	if user == "" {
		return options, nil
	}
	how := mail.SMTPAuthAutoDiscover
	switch {
	case u.Scheme == "smtp" && loopback(u.Hostname()):
		how = mail.SMTPAuthPlainNoEnc // nobody listens between
	case u.Query().Get("tls") == "none":
		return nil, errors.New("mail server: a password goes to another machine by TLS only")
	}
	return append(options, mail.WithSMTPAuth(how), mail.WithUsername(user), mail.WithPassword(password)), nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Deliver sends the letter. A server says of one letter only that it is refused (5xx) or not taken now (4xx);
// anything else is the end of the connection.
func (s *Server) Deliver(ctx context.Context, l Letter) (Outcome, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	m, err := l.message()
	if err != nil {
		return "", err
	}
	err = s.client.Send(m)
	if err == nil {
		return Sent, nil
	}
	one := verdict(err)
	if errors.Is(one, ErrRefused) || errors.Is(one, ErrLater) {
		if err := s.client.Reset(); err != nil {
			return "", errors.New("mail server: the connection is lost")
		}
	}
	return "", one
}

// verdict says what an error means without repeating its text, in which the address stands.
func verdict(err error) error {
	var failed *mail.SendError
	if !errors.As(err, &failed) {
		return errors.New("mail server: the letter was not sent")
	}
	switch code := failed.ErrorCode(); {
	case code == 421: // the server closes the connection
		return fmt.Errorf("mail server: it is closing (%d)", code)
	case code >= 500:
		return fmt.Errorf("%w: the mail server answered %d", ErrRefused, code)
	case code >= 400:
		return fmt.Errorf("%w: the mail server answered %d", ErrLater, code)
	}
	return fmt.Errorf("mail server: %s", failed.Reason)
}

// Close says goodbye to the server.
func (s *Server) Close() error {
	if !s.open {
		return nil
	}
	s.open = false
	if err := s.client.Close(); err != nil && !errors.Is(err, mail.ErrNoActiveConnection) {
		return errors.New("mail server: the connection broke at its end")
	}
	return nil
}
