package rehearsal

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/roadshow-go/roadshow/stages"
)

const ssmParameter = "AWS::SSM::Parameter"

func ssmService() *service {
	return &service{protocol: json11, operations: map[string]operation{
		"GetParameter":        reading(getParameter),
		"GetParameters":       reading(getParameters),
		"GetParametersByPath": reading(getParametersByPath),
		"DescribeParameters":  reading(describeParameters),
		"PutParameter":        reading(putParameter),
		"DeleteParameter":     reading(deleteParameter),
	}}
}

func noParameter(name string) *apiError {
	return refuse(http.StatusBadRequest, "ParameterNotFound", "Parameter %s not found.", name)
}

// at is where the request's resources are.
func (r *request) at() place { return place{r.account, r.region} }

// parameterVersion counts from 1, and once more with every change.
func parameterVersion(p *Resource) int64 { return p.revision + 1 }

// findParameter reads name, ARN, or either with :version behind it.
func (s *store) findParameter(at place, name string) (Resource, bool) {
	if _, path, isARN := strings.Cut(name, ":parameter/"); isARN {
		if p, found := s.find(at, ssmParameter, path); found {
			return p, true
		}
		name = "/" + path
	}
	if p, found := s.find(at, ssmParameter, name); found {
		return p, true
	}
	bare, version, _ := strings.Cut(name, ":")
	if p, found := s.find(at, ssmParameter, bare); found && version == strconv.FormatInt(parameterVersion(&p), 10) {
		return p, true
	}
	return Resource{}, false
}

// parameter is the value for CloudFormation's own references.
func (s *store) parameter(at place, name, version string) (string, error) {
	if version != "" {
		name += ":" + version
	}
	p, found := s.findParameter(at, name)
	if !found {
		return "", reason("Unable to fetch parameters [%s] from parameter store for this account.", name)
	}
	return p.text("Value"), nil
}

func parameterOf(p *Resource) object {
	return object{
		"Name": p.Name, "Type": orElse(p.text("Type"), "String"), "Value": p.text("Value"), "Version": parameterVersion(p),
		"ARN":              "arn:" + stages.Partition(p.Region) + ":ssm:" + p.Region + ":" + p.Account + ":parameter/" + strings.TrimPrefix(p.Name, "/"),
		"LastModifiedDate": epoch(p.Changed), "DataType": orElse(p.text("DataType"), "text"),
	}
}

func getParameter(r *request) (any, error) {
	p, found := r.store.findParameter(r.at(), r.text("Name"))
	if !found {
		return nil, noParameter(r.text("Name"))
	}
	return object{"Parameter": parameterOf(&p)}, nil
}

func getParameters(r *request) (any, error) {
	parameters, invalid := []object{}, []string{}
	for _, name := range r.texts("Names") {
		if p, found := r.store.findParameter(r.at(), name); found {
			parameters = append(parameters, parameterOf(&p))
		} else {
			invalid = append(invalid, name)
		}
	}
	return object{"Parameters": parameters, "InvalidParameters": invalid}, nil
}

func getParametersByPath(r *request) (any, error) {
	path := strings.TrimSuffix(r.text("Path"), "/") + "/"
	parameters := []object{}
	for _, p := range r.store.list(r.at(), ssmParameter) {
		if below, found := strings.CutPrefix(p.Name, path); found && (r.flag("Recursive") || !strings.Contains(below, "/")) {
			parameters = append(parameters, parameterOf(&p))
		}
	}
	parameters, next, err := page(r, parameters, 10)
	return object{"Parameters": parameters, "NextToken": orNil(next)}, err
}

func describeParameters(r *request) (any, error) {
	if r.input["ParameterFilters"] != nil || r.input["Filters"] != nil {
		return nil, refuse(http.StatusNotImplemented, "NotImplemented", "the rehearsal does not know the filters of ssm DescribeParameters")
	}
	parameters := []object{}
	for _, p := range r.store.list(r.at(), ssmParameter) {
		one := parameterOf(&p)
		delete(one, "Value")
		parameters = append(parameters, one)
	}
	parameters, next, err := page(r, parameters, 50)
	return object{"Parameters": parameters, "NextToken": orNil(next)}, err
}

func putParameter(r *request) (any, error) {
	name := r.text("Name")
	properties := object{"Name": name, "Value": r.text("Value"), "Type": orElse(r.text("Type"), "String")}
	if existing, found := r.store.find(r.at(), ssmParameter, name); found {
		if !r.flag("Overwrite") {
			return nil, refuse(http.StatusBadRequest, "ParameterAlreadyExists", "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.")
		}
		changed, err := r.store.change(r.at(), ssmParameter, existing.PhysicalID, properties)
		return object{"Version": parameterVersion(&changed), "Tier": "Standard"}, err
	}
	if err := r.store.create(&Resource{
		Account: r.account, Region: r.region, Type: ssmParameter, Name: name, Properties: properties, seed: name,
	}); err != nil {
		return nil, refuse(http.StatusBadRequest, "ValidationException", "%v", err)
	}
	return object{"Version": 1, "Tier": "Standard"}, nil
}

func deleteParameter(r *request) (any, error) {
	p, found := r.store.find(r.at(), ssmParameter, r.text("Name"))
	if !found {
		return nil, noParameter(r.text("Name"))
	}
	return object{}, r.store.remove(r.at(), ssmParameter, p.PhysicalID)
}
