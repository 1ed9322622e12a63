package rehearsal

import (
	"net/http"
	"strings"

	"github.com/roadshow-go/roadshow/rehearsal/internal/policy"
	"github.com/roadshow-go/roadshow/stages"
)

// functionReference is a function as requests, properties and ARNs name it.
type functionReference struct {
	place
	name string
	// qualifier is a version or an alias, empty for the function itself.
	qualifier string
}

// readFunction reads a name, an ARN, or the short form that begins with the account, each with or
// without a version or an alias behind it. What is not said is that of the place.
// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_RequestParameters
func readFunction(at place, reference string) functionReference {
	if before, after, long := strings.Cut(reference, ":function:"); long {
		reference = after
		if parts := strings.Split(before, ":"); len(parts) == 5 {
			at = place{account: parts[4], region: parts[3]}
		} else {
			at.account = before
		}
	}
	name, qualifier, _ := strings.Cut(strings.TrimPrefix(reference, "function:"), ":")
	return functionReference{place: at, name: name, qualifier: qualifier}
}

// arn is the function's, without a qualifier.
func (f functionReference) arn() string { return arnOf(f.place, "lambda", "function:"+f.name) }

// qualified is the ARN with the qualifier, if there is one.
func (f functionReference) qualified() string {
	if f.qualifier == "" {
		return f.arn()
	}
	return f.arn() + ":" + f.qualifier
}

// missing is the refusal of a function that is not there.
func (f functionReference) missing() error {
	return refuse(http.StatusNotFound, "ResourceNotFoundException", "Function not found: %s", f.qualified())
}

// function is the function that a parameter of a request names, with the qualifier of the request.
func (r *request) function(parameter string) functionReference {
	named := readFunction(r.at(), r.text(parameter))
	named.qualifier = orElse(r.text("Qualifier"), named.qualifier)
	return named
}

// reachable refuses what another region has. The words are those of
// https://github.com/alexcasalboni/aws-lambda-power-tuning/issues/18
func (r *request) reachable(f functionReference) error {
	if f.region != r.region {
		return refuse(http.StatusNotFound, "ResourceNotFoundException", "Functions from '%s' are not reachable in this region ('%s')", f.region, r.region)
	}
	return nil
}

// permission is a statement of a function's policy, as Lambda makes it of AddPermission.
// https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html
func permission(p *Resource, function string) object {
	principal := any(p.text("Principal"))
	switch text := p.text("Principal"); {
	case text == "*":
	case accountID.MatchString(text):
		principal = object{"AWS": "arn:" + stages.Partition(p.Region) + ":iam::" + text + ":root"}
	case strings.HasPrefix(text, "arn:"):
		principal = object{"AWS": text}
	default:
		principal = object{"Service": text}
	}
	statement := object{"Sid": p.PhysicalID, "Effect": "Allow", "Principal": principal, "Action": p.text("Action"), "Resource": function}
	conditions := object{}
	for _, each := range []struct{ operator, key, property string }{
		{"ArnLike", "AWS:SourceArn", "SourceArn"},
		{"StringEquals", "AWS:SourceAccount", "SourceAccount"},
		{"StringEquals", "aws:PrincipalOrgID", "PrincipalOrgID"},
		{"StringEquals", "lambda:EventSourceToken", "EventSourceToken"},
		{"StringEquals", "lambda:FunctionUrlAuthType", "FunctionUrlAuthType"},
		{"Bool", "lambda:InvokedViaFunctionUrl", "InvokedViaFunctionUrl"},
	} {
		value := p.text(each.property)
		if value == "" {
			continue
		}
		if conditions[each.operator] == nil {
			conditions[each.operator] = object{}
		}
		conditions[each.operator].(object)[each.key] = value
	}
	if len(conditions) > 0 {
		statement["Condition"] = conditions
	}
	return statement
}

// permissions are the statements of the policy of a function, or of the version or alias that is
// named: each has its own.
// https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html
func (s *store) permissions(f functionReference) []any {
	var statements []any
	for _, p := range s.list(f.place, "AWS::Lambda::Permission") {
		if readFunction(f.place, p.text("FunctionName")) == f {
			statements = append(statements, permission(&p, f.qualified()))
		}
	}
	return statements
}

// policyOfFunction is that policy, as documents.
func (s *store) policyOfFunction(f functionReference) []any {
	if statements := s.permissions(f); statements != nil {
		return []any{object{"Version": "2012-10-17", "Statement": statements}}
	}
	return nil
}

// permits says whether a function's policy lets a service, or anybody, do something.
func (s *store) permits(f functionReference, asked policy.Request) bool {
	documents, err := s.policies(f.qualified(), func() []any { return s.policyOfFunction(f) })
	if err != nil {
		return false
	}
	asked.Resource = f.qualified()
	verdict, err := policy.EvaluateResource(documents, asked)
	return err == nil && verdict == policy.Allow
}

// policies reads the policies of a resource, once for as long as no resource changes. The caller holds
// no lock.
func (s *store) policies(resource string, documents func() []any) ([]policy.Document, error) {
	type read struct {
		documents []policy.Document
		err       error
	}
	known := remember(s, "policies|"+resource, func() read {
		var made read
		for _, each := range documents() {
			document, err := policy.Read(each)
			if err != nil {
				return read{err: err}
			}
			made.documents = append(made.documents, document)
		}
		return made
	})
	return known.documents, known.err
}
