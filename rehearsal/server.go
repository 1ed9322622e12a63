package rehearsal

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/roadshow-go/roadshow/rehearsal/internal/cfn"
)

// Config says which accounts the endpoint has. The zero value has none, so
// that every request is refused.
type Config struct {
	// Accounts are all accounts of the rehearsed world.
	Accounts []Account
	// StepDelay is how long CloudFormation takes over each resource; zero, the
	// default, is no time. Set it to look at, or to interrupt, what is under
	// way.
	StepDelay time.Duration
	// Functions says how the accounts' functions run.
	Functions Functions
	// Port is where the endpoint listens, and the HTTP APIs behind it: where that is taken, the next
	// port that is free. Default: any free ports.
	Port int
	// ForgetCalls leaves the record of calls out, which grows with each: Calls returns none.
	ForgetCalls bool
}

// Account is one AWS account and the access key of the one IAM user in it.
type Account struct {
	// ID is the account's number, 12 digits.
	ID string
	// AccessKeyID tells the account's requests from those of others; no two
	// accounts share one.
	AccessKeyID string
	// SecretAccessKey signs the account's requests. A request whose signature
	// was made with another secret is refused.
	SecretAccessKey string
	// UserName names the IAM user that the access key belongs to; "rehearsal"
	// when it is empty. It appears in the ARN of GetCallerIdentity and in
	// refusals.
	UserName string
	// RegionsOff are regions that the account has not enabled, such as "af-south-1": whatever is asked there is refused as
	// if the access key were unknown. Default: none.
	// https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html
	RegionsOff []string
}

// Call is one request that the endpoint has answered.
type Call struct {
	// Time is when the request arrived.
	Time time.Time
	// Account is the caller's account, empty when the caller was not known.
	Account string
	// Role is the ARN of the role that the caller plays, empty for a user.
	Role string
	// Region is the one the request was signed for.
	Region string
	// Service is the signing name, such as "cloudformation".
	Service string
	// Operation is the API's name of the operation, such as "CreateChangeSet".
	Operation string
	// Status is the HTTP status of the answer.
	Status int
	// Rights are what the call needed, where a function made it or another account has the resource, up
	// to the first that is not allowed; else nil.
	Rights []Right
}

// Server is a running endpoint.
type Server struct {
	accounts map[string]Account // by access key
	store    *store
	sessions *sessions
	engine   *cfn.Engine
	runner   *runner
	logs     *logEvents
	gateway  *gateway
	services map[string]*service

	listener net.Listener
	http     *http.Server
	served   chan struct{}

	answers   answers // to custom resources
	uses      uses
	forgetful bool

	taggedLists lists[tagged]
	objectLists lists[object]

	mu              sync.Mutex
	calls           []Call
	faults          []*Fault
	controlRequests map[string]controlRequest // by token
}

var accountID = regexp.MustCompile(`^[0-9]{12}$`)

// Start begins to serve the given accounts on a free port of 127.0.0.1.
func Start(config Config) (*Server, error) {
	s := &Server{
		accounts: map[string]Account{},
		store:    newStore(),
		sessions: newSessions(),
		served:   make(chan struct{}),
	}
	if err := s.admit(config.Accounts); err != nil {
		return nil, err
	}
	s.engine = newEngine(s, config.StepDelay)
	s.services = catalogue()
	listener, err := listen(config.Port)
	if err != nil {
		return nil, err
	}
	s.listener, s.forgetful = listener, config.ForgetCalls
	s.logs = newLogEvents()
	s.runner = newRunner(s, config.Functions)
	s.gateway = newGateway(s, config.Port)
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		defer close(s.served)
		// Serve always returns an error; after Close it is ErrServerClosed.
		_ = s.http.Serve(listener)
	}()
	return s, nil
}

// portsTried is how many ports are tried from a given one on.
const portsTried = 100

// listen takes the first free port from a given one on; any where none is given, or none of those is free.
func listen(port int) (net.Listener, error) {
	for tried := port; port > 0 && tried < min(port+portsTried, 1<<16); tried++ {
		if listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(tried))); err == nil {
			return listener, nil
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("rehearsal: listen: %w", err)
	}
	return listener, nil
}

// admit checks the accounts and files them by access key.
func (s *Server) admit(accounts []Account) error {
	var ids []string
	for _, account := range accounts {
		switch {
		case !accountID.MatchString(account.ID):
			return fmt.Errorf("rehearsal: Account.ID is %q, want 12 digits", account.ID)
		case slices.Contains(ids, account.ID):
			return fmt.Errorf("rehearsal: Account.ID %s is given twice, want each account once", account.ID)
		case account.AccessKeyID == "" || account.SecretAccessKey == "":
			return fmt.Errorf("rehearsal: account %s has no AccessKeyID or SecretAccessKey, want both", account.ID)
		}
		if other, taken := s.accounts[account.AccessKeyID]; taken {
			return fmt.Errorf("rehearsal: accounts %s and %s share the AccessKeyID %q, want one each", other.ID, account.ID, account.AccessKeyID)
		}
		if account.UserName == "" {
			account.UserName = "rehearsal"
		}
		ids = append(ids, account.ID)
		s.accounts[account.AccessKeyID] = account
		s.store.addAccount(account.ID)
	}
	return nil
}

// URL is the endpoint's address, for AWS_ENDPOINT_URL and BaseEndpoint.
func (s *Server) URL() string { return "http://" + s.listener.Addr().String() }

// Close stops the endpoint, whatever its stacks are doing, and its functions: none of their processes is left.
func (s *Server) Close() error {
	err := s.http.Close()
	<-s.served
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	s.gateway.close()
	s.engine.Close() // first, because it starts the functions of custom resources
	return errors.Join(err, s.runner.close())
}

// Calls returns every request answered so far, in order of arrival.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	answered := slices.Clone(s.calls)
	return slices.DeleteFunc(answered, func(c Call) bool { return c.Status == 0 })
}

// begin opens the record of a request, so that Calls keeps the order of
// arrival; the returned function completes it.
func (s *Server) begin() (done func(Call)) {
	if s.forgetful {
		return func(Call) {}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	at := len(s.calls)
	s.calls = append(s.calls, Call{Time: time.Now()})
	return func(call Call) {
		s.mu.Lock()
		defer s.mu.Unlock()
		call.Time = s.calls[at].Time
		s.calls[at] = call
	}
}

// requestID is a UUID, which every AWS service puts on its answers.
func requestID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b)
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
