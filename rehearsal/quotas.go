package rehearsal

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/roadshow-go/roadshow/rehearsal/internal/cfn"
)

// quota is a limit to what an account may hold, as AWS sets it, and how the
// rehearsal holds accounts to it. Its values stand on their own: a test that
// compares them with anybody's forecast means something.
type quota struct {
	service, code, name, unit string
	// standard is AWS's default. An account begins with given where that is not
	// zero: those of the rehearsal are grown ones, as most accounts soon are.
	standard, given float64
	// fixed quotas are never raised, global ones hold for all regions together.
	fixed, global bool
	// unapplied quotas have a default and no applied value until one is set, so
	// that ListServiceQuotas leaves them out.
	unapplied bool

	// kinds are the types of resources that take of it. None means that it is
	// not of resources: see stackQuota.
	kinds []string
	// taken is how much resources take, by whatever the quota is of: "" for the
	// place, else the name of a bus. Default: their number.
	taken func(*store, []*Resource) map[string]float64
	// alone holds each resource to it alone, and not their sum.
	alone bool
	// kept is how much AWS keeps of the value. Default: nothing.
	kept func(value float64) float64
	// refusal is what the service behind a resource says.
	refusal func(r *Resource, value float64) *overQuota
}

// overQuota is a service's refusal of what would exceed a quota.
type overQuota struct {
	service, code, message string
	status                 int
}

// Error is the refusal as CloudFormation reports it: what a service calls a bad
// value, as Lambda and CodeBuild do, is one to it too.
func (o *overQuota) Error() string {
	handler := "ServiceLimitExceeded"
	if strings.HasPrefix(o.code, "Invalid") {
		handler = "InvalidRequest"
	}
	return handlerError(handler, "%s (Service: %s, Status Code: %d, Request ID: {request})", o.message, o.service, o.status).Error()
}

// refusal is the refusal as the service's own API words it.
func (o *overQuota) refusal() *apiError { return refuse(o.status, o.code, "%s", o.message) }

func over(service string, status int, code, format string, args ...any) *overQuota {
	return &overQuota{service: service, code: code, message: fmt.Sprintf(format, args...), status: status}
}

// saying is the refusal whose words do not depend on anything.
func saying(service string, status int, code, message string) func(*Resource, float64) *overQuota {
	return func(*Resource, float64) *overQuota { return over(service, status, code, "%s", message) }
}

const gibibyte = 1 << 30

var (
	codeKinds      = []string{lambdaFunction, "AWS::Lambda::Version", "AWS::Lambda::LayerVersion"}
	runningKinds   = []string{lambdaFunction, "AWS::Lambda::Version", "AWS::Lambda::Alias"}
	interfaceKinds = []string{
		"AWS::EC2::NetworkInterface", "AWS::EC2::NatGateway", "AWS::EC2::VPCEndpoint", "AWS::EC2::Instance", "AWS::DAX::Cluster", lambdaFunction,
	}
)

// quotas are those that the rehearsal knows. Codes and values are AWS's:
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
// https://docs.aws.amazon.com/codebuild/latest/userguide/limits.html
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
// https://docs.aws.amazon.com/general/latest/gr/s3.html
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
// https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html
// https://docs.aws.amazon.com/general/latest/gr/ddb.html
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
// https://docs.aws.amazon.com/general/latest/gr/sns.html
// https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
//
// The limits of a template are those of internal/cfn.
var quotas = slices.Concat([]quota{
	{
		service: "lambda", code: "L-B99A9384", name: "Concurrent executions", standard: 1000,
		kinds: runningKinds, taken: concurrencyTaken, kept: unreserved,
		// What people report of accounts with 10, 50 and 1000.
		refusal: func(r *Resource, value float64) *overQuota {
			what := "ReservedConcurrentExecutions"
			if r.Type != lambdaFunction {
				what = "ConcurrentExecutions"
			}
			return over("Lambda", 400, "InvalidParameterValueException",
				"Specified %s for function decreases account's UnreservedConcurrentExecution below its minimum value of [%v].", what, unreserved(value))
		},
	},
	{
		service: "lambda", code: "L-2ACBD22F", name: "Function and layer storage", unit: "Gigabytes", standard: 75,
		kinds: codeKinds, taken: codeTaken, refusal: saying("Lambda", 400, "CodeStorageExceededException", "Code storage limit exceeded."),
	},
	{
		service: "dynamodb", code: "L-F98FE922", name: "Maximum number of tables", standard: 2500, kinds: tableTypes,
		refusal: func(_ *Resource, value float64) *overQuota {
			return over("DynamoDb", 400, "LimitExceededException", "Subscriber limit exceeded: The number of tables in the account has reached its limit of %v", value)
		},
	},
	{
		service: "s3", code: "L-DC2B2D3D", name: "General purpose buckets", standard: 10000, global: true, kinds: []string{"AWS::S3::Bucket"},
		refusal: saying("S3", 400, "TooManyBuckets", "You have attempted to create more buckets than allowed"),
	},
	{
		service: "iam", code: "L-FE177D64", name: "Roles per account", standard: 1000, global: true, kinds: []string{"AWS::IAM::Role"},
		refusal: func(_ *Resource, value float64) *overQuota {
			return over("Iam", 409, "LimitExceeded", "Cannot exceed quota for RolesPerAccount: %v", value)
		},
	},
	{
		service: "vpc", code: "L-F678F1CE", name: "VPCs per Region", standard: 5, given: 20, kinds: []string{"AWS::EC2::VPC"},
		refusal: saying("Ec2", 400, "VpcLimitExceeded", "The maximum number of VPCs has been reached."),
	},
	{
		service: "ec2", code: "L-0263D0A3", name: "EC2-VPC Elastic IPs", standard: 5, given: 50, kinds: []string{"AWS::EC2::EIP"},
		refusal: saying("Ec2", 400, "AddressLimitExceeded", "The maximum number of addresses has been reached."),
	},
	{
		service: "vpc", code: "L-DF5E4CA3", name: "Network interfaces per Region", standard: 5000,
		kinds: interfaceKinds, taken: interfacesTaken,
		refusal: func(r *Resource, _ float64) *overQuota {
			if r.Type == lambdaFunction {
				return over("Lambda", 400, "ENILimitReachedException",
					"Lambda was not able to create an ENI in the VPC of the Lambda function because the limit for Network Interfaces has been reached.")
			}
			return over("Ec2", 400, "NetworkInterfaceLimitExceeded", "The maximum number of network interfaces has been reached.")
		},
	},
	{
		service: "dax", code: "L-AB139030", name: "Total number of nodes", standard: 50, kinds: []string{"AWS::DAX::Cluster"}, taken: nodesTaken,
		refusal: saying("Dax", 400, "NodeQuotaForCustomerExceededFault", "You have attempted to exceed the maximum number of nodes for your AWS account."),
	},
	{
		service: "dax", code: "L-87AEEBB5", name: "Nodes per cluster", standard: 11, fixed: true, unapplied: true, alone: true,
		kinds: []string{"AWS::DAX::Cluster"}, taken: nodesTaken,
		refusal: saying("Dax", 400, "NodeQuotaForClusterExceededFault", "You have attempted to exceed the maximum number of nodes for a DAX cluster."),
	},
	{
		service: "events", code: "L-244521F2", name: "Number of rules", standard: 300, kinds: []string{"AWS::Events::Rule"}, taken: rulesTaken,
		refusal: saying("EventBridge", 400, "LimitExceededException", "The requested resource exceeds the maximum number allowed."),
	},
	{
		service: "sns", code: "L-61103206", name: "Topics per Account", standard: 100000, kinds: []string{"AWS::SNS::Topic"},
		refusal: saying("Sns", 403, "TopicLimitExceeded", "Topic limit exceeded"),
	},
	{
		service: "apigateway", code: "L-AA0FF27B", name: "Regional APIs", standard: 600, fixed: true, kinds: []string{"AWS::ApiGatewayV2::Api"},
		refusal: saying("ApiGatewayV2", 429, "TooManyRequestsException", "Maximum number of Apis for this account has been reached. Please contact AWS if you need additional Apis."),
	},
	{service: "cloudformation", code: "L-0485CB21", name: "Stack count", standard: 2000},
}, buildQuotas())

// buildQuotas are CodeBuild's, one for each size of each kind of machine.
func buildQuotas() []quota {
	machines := []struct{ code, environment, compute, name string }{
		{"L-9D07B6EF", "LINUX_CONTAINER", "BUILD_GENERAL1_SMALL", "Linux/Small"},
		{"L-2DC20C30", "LINUX_CONTAINER", "BUILD_GENERAL1_MEDIUM", "Linux/Medium"},
		{"L-4DDC4A99", "LINUX_CONTAINER", "BUILD_GENERAL1_LARGE", "Linux/Large"},
		{"L-04E5CA62", "LINUX_CONTAINER", "BUILD_GENERAL1_XLARGE", "Linux/XLarge"},
		{"L-0397D009", "LINUX_CONTAINER", "BUILD_GENERAL1_2XLARGE", "Linux/2XLarge"},
		{"L-5ED1D25B", "ARM_CONTAINER", "BUILD_GENERAL1_SMALL", "ARM/Small"},
		{"L-DF544FF3", "ARM_CONTAINER", "BUILD_GENERAL1_MEDIUM", "ARM/Medium"},
		{"L-596BEAB4", "ARM_CONTAINER", "BUILD_GENERAL1_LARGE", "ARM/Large"},
		{"L-8D06F3EA", "ARM_CONTAINER", "BUILD_GENERAL1_XLARGE", "ARM/XLarge"},
		{"L-1E43FDE0", "ARM_CONTAINER", "BUILD_GENERAL1_2XLARGE", "ARM/2XLarge"},
	}
	made := make([]quota, len(machines))
	for i, machine := range machines {
		made[i] = quota{
			service: "codebuild", code: machine.code, name: "Concurrently running builds for " + machine.name + " environment",
			standard: 1, given: 60, kinds: []string{"AWS::CodeBuild::Project"}, alone: true,
			taken: func(_ *store, projects []*Resource) map[string]float64 {
				most := map[string]float64{}
				for _, project := range projects {
					environment, _ := project.Properties["Environment"].(object)
					if textOf(environment["Type"]) == machine.environment && textOf(environment["ComputeType"]) == machine.compute {
						most[""] = max(most[""], project.number("ConcurrentBuildLimit"))
					}
				}
				return most
			},
			refusal: func(_ *Resource, value float64) *overQuota {
				return over("CodeBuild", 400, "InvalidInputException", "Project-level concurrent build limit cannot exceed the account-level concurrent build limit of %v.", value)
			},
		}
	}
	return made
}

// number is a numeric property, 0 where there is none.
func (r *Resource) number(path string) float64 {
	for _, value := range references(r, path) {
		number, _ := strconv.ParseFloat(value, 64)
		return number
	}
	return 0
}

// unreserved is the concurrency that AWS keeps for functions without a
// reservation: 100, and all of it where an account has less.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
func unreserved(value float64) float64 { return min(100, value) }

// concurrencyTaken is what functions have reserved or, without a reservation,
// provisioned.
func concurrencyTaken(s *store, all []*Resource) map[string]float64 {
	provisioned := map[string]float64{}
	for _, part := range all {
		if part.Type != lambdaFunction {
			if function := s.referred(part, lambdaFunction, part.text("FunctionName")); function != nil {
				provisioned[function.Name] += part.ready()
			}
		}
	}
	sum := 0.0
	for _, function := range all {
		if function.Type != lambdaFunction {
			continue
		}
		if function.Properties["ReservedConcurrentExecutions"] != nil {
			sum += function.number("ReservedConcurrentExecutions")
		} else {
			sum += provisioned[function.Name]
		}
	}
	return map[string]float64{"": sum}
}

// ready is the provisioned concurrency of a version or an alias.
func (r *Resource) ready() float64 {
	return r.number("ProvisionedConcurrencyConfig.ProvisionedConcurrentExecutions")
}

// codeTaken is the code of functions, of their versions and of layers, in
// gigabytes.
func codeTaken(_ *store, all []*Resource) map[string]float64 {
	sum := 0
	for _, one := range all {
		if one.code != nil && one.text("PackageType") != "Image" {
			sum += one.code.size
		}
	}
	return map[string]float64{"": float64(sum) / gibibyte}
}

func nodesTaken(_ *store, clusters []*Resource) map[string]float64 {
	sum := 0.0
	for _, cluster := range clusters {
		sum += cluster.number("ReplicationFactor")
	}
	return map[string]float64{"": sum}
}

// rulesTaken counts rules by bus.
func rulesTaken(_ *store, rules []*Resource) map[string]float64 {
	count := map[string]float64{}
	for _, rule := range rules {
		count[busOf(rule)]++
	}
	return count
}

// busOf is the name of a rule's bus.
func busOf(rule *Resource) string {
	bus := orElse(rule.text("EventBusName"), "default")
	return bus[strings.LastIndex(bus, "/")+1:]
}

func interfacesTaken(_ *store, all []*Resource) map[string]float64 {
	return map[string]float64{"": float64(len(interfacesOf(all)))}
}

// networkInterface is an interface that a service has put into a network.
type networkInterface struct{ id, kind, subnet, description string }

// interfacesOf lists the network interfaces of resources. Functions with the
// same subnet and the same groups share one.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
func interfacesOf(all []*Resource) []networkInterface {
	var found []networkInterface
	add := func(seed, kind, subnet, description string) {
		one := networkInterface{"eni-" + derived(seed, hexDigits, 17), kind, subnet, description}
		if !slices.ContainsFunc(found, func(other networkInterface) bool { return other.id == one.id }) {
			found = append(found, one)
		}
	}
	for _, r := range all {
		switch r.Type {
		case "AWS::EC2::NetworkInterface":
			add(r.seed, "interface", r.text("SubnetId"), r.text("Description"))
		case "AWS::EC2::Instance":
			add(r.seed, "interface", r.text("SubnetId"), "")
		case "AWS::EC2::NatGateway":
			add(r.seed, "nat_gateway", r.text("SubnetId"), "Interface for NAT Gateway "+r.PhysicalID)
		case "AWS::EC2::VPCEndpoint":
			if r.text("VpcEndpointType") == "Interface" {
				for _, subnet := range references(r, "SubnetIds") {
					add(r.seed+subnet, "vpc_endpoint", subnet, "VPC Endpoint Interface "+r.PhysicalID)
				}
			}
		case "AWS::DAX::Cluster":
			for i := range int(r.number("ReplicationFactor")) {
				add(r.seed+strconv.Itoa(i), "interface", "", "DAX "+r.Name)
			}
		case lambdaFunction:
			groups := slices.Sorted(slices.Values(references(r, "VpcConfig.SecurityGroupIds")))
			for _, subnet := range references(r, "VpcConfig.SubnetIds") {
				add(r.Account+r.Region+subnet+strings.Join(groups, ","), "lambda", subnet, "AWS Lambda VPC ENI")
			}
		}
	}
	return found
}

// withinQuotas asks the quotas of an account before a resource is made, or
// changed from what it is now. Only what grows is refused. The caller holds the
// lock.
func (s *store) withinQuotas(next, now *Resource) error {
	for i := range quotas {
		q := &quotas[i]
		if !slices.Contains(q.kinds, next.Type) {
			continue
		}
		var others []*Resource
		if !q.alone {
			for _, kind := range q.kinds {
				for r := range s.ofKind(next.Account, kind) {
					if r != now && (q.global || r.Region == next.Region) {
						others = append(others, r)
					}
				}
			}
		}
		before := q.measure(s, others)
		if now != nil {
			before = q.measure(s, append(slices.Clip(others), now))
		}
		value := s.quotaValue(place{next.Account, next.Region}, q)
		limit := value
		if q.kept != nil {
			limit -= q.kept(value)
		}
		for of, amount := range q.measure(s, append(slices.Clip(others), next)) {
			if amount > limit && amount > before[of] {
				return q.refusal(next, value)
			}
		}
	}
	return nil
}

func (q *quota) measure(s *store, all []*Resource) map[string]float64 {
	if q.taken != nil {
		return q.taken(s, all)
	}
	return map[string]float64{"": float64(len(all))}
}

// index finds the resources of an account and a type. It is made anew whenever
// the store has changed without it.
type index struct {
	size   int
	byKind map[[2]string]map[*Resource]bool
}

func (x *index) add(r *Resource) {
	if x.byKind == nil {
		x.byKind = map[[2]string]map[*Resource]bool{}
	}
	at := [2]string{r.Account, r.Type}
	if x.byKind[at] == nil {
		x.byKind[at] = map[*Resource]bool{}
	}
	x.byKind[at][r] = true
	x.size++
}

func (x *index) drop(r *Resource) {
	if at := [2]string{r.Account, r.Type}; x.byKind[at][r] {
		delete(x.byKind[at], r)
		x.size--
	}
}

// ofKind is what an account holds of a type, in all regions. The caller holds
// the lock for writing.
func (s *store) ofKind(account, kind string) map[*Resource]bool {
	if s.index.size != len(s.resources) {
		s.index = index{}
		for _, r := range s.resources {
			s.index.add(r)
		}
	}
	return s.index.byKind[[2]string{account, kind}]
}

// stackQuota refuses one stack more than an account may have in a region.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html
func (r *request) stackQuota(e *cfn.Engine, at cfn.Place) error {
	held, err := e.DescribeStacks(at, "")
	if err != nil {
		return err
	}
	if slices.ContainsFunc(held, func(s cfn.Stack) bool { return s.Name == r.text("StackName") }) ||
		float64(len(held)) < r.store.valueOf(r.at(), findQuota("cloudformation", "L-0485CB21")) {
		return nil
	}
	return refuse(http.StatusBadRequest, "LimitExceededException", "Limit for stack has been exceeded")
}
