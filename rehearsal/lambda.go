package rehearsal

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

func lambdaService() *service {
	return &service{
		protocol: restJSON,
		routes: []route{
			{"GET /2015-03-31/functions", "ListFunctions"},
			{"GET /2015-03-31/functions/{FunctionName}", "GetFunction"},
			{"GET /2015-03-31/functions/{FunctionName}/configuration", "GetFunctionConfiguration"},
			{"GET /2015-03-31/functions/{FunctionName}/policy", "GetPolicy"},
			{"GET /2015-03-31/functions/{FunctionName}/versions", "ListVersionsByFunction"},
			{"GET /2019-09-30/functions/{FunctionName}/concurrency", "GetFunctionConcurrency"},
			{"GET /2019-09-30/functions/{FunctionName}/provisioned-concurrency", "ListProvisionedConcurrencyConfigs"},
			{"GET /2016-08-19/account-settings", "GetAccountSettings"},
			{"GET /2015-03-31/event-source-mappings", "ListEventSourceMappings"},
			{"GET /2017-03-31/tags/{Resource}", "ListTags"},
			{"POST /2015-03-31/functions/{FunctionName}/invocations", "Invoke"},
			{"POST /2015-03-31/functions", "CreateFunction"},
			{"PUT /2015-03-31/functions/{FunctionName}/code", "UpdateFunctionCode"},
			{"PUT /2015-03-31/functions/{FunctionName}/configuration", "UpdateFunctionConfiguration"},
			{"DELETE /2015-03-31/functions/{FunctionName}", "DeleteFunction"},
		},
		operations: map[string]operation{
			"ListFunctions":                     reading(listFunctions),
			"GetFunction":                       reading(getFunction),
			"GetFunctionConfiguration":          reading(getFunctionConfiguration),
			"GetPolicy":                         reading(getFunctionPolicy),
			"ListTags":                          reading(listFunctionTags),
			"GetFunctionConcurrency":            reading(getFunctionConcurrency),
			"ListProvisionedConcurrencyConfigs": reading(listProvisionedConcurrency),
			"GetAccountSettings":                reading(getAccountSettings),
			"ListEventSourceMappings":           reading(listEventSourceMappings),
			"DeleteFunction":                    deleteFunction,
		},
	}
}

const lambdaFunction = "AWS::Lambda::Function"

// functionNamed reads a name, an ARN, or either with :qualifier behind it.
func (r *request) functionNamed(name string) (Resource, error) {
	bare := name
	if _, after, isARN := strings.Cut(name, ":function:"); isARN {
		bare = after
	}
	bare, qualifier, _ := strings.Cut(bare, ":")
	f, found := r.store.find(r.at(), lambdaFunction, bare)
	if !found || (qualifier != "" && qualifier != "$LATEST") || (strings.HasPrefix(name, "arn:") && !strings.HasPrefix(name, f.attribute("Arn"))) {
		return f, refuse(http.StatusNotFound, "ResourceNotFoundException", "Function not found: arn:%s:lambda:%s:%s:function:%s", partition(r.region), r.region, r.account, bare)
	}
	return f, nil
}

// configurationOf is a function as Lambda shows it, with the defaults of what
// the template left out.
// https://docs.aws.amazon.com/lambda/latest/api/API_FunctionConfiguration.html
func configurationOf(s *store, f *Resource) object {
	number := func(property string, otherwise int) int {
		if n, err := strconv.Atoi(f.text(property)); err == nil {
			return n
		}
		return otherwise
	}
	out := object{
		"FunctionName": f.Name, "FunctionArn": f.attribute("Arn"), "Role": f.text("Role"), "Handler": f.text("Handler"), "Runtime": f.text("Runtime"),
		"Description": f.text("Description"), "MemorySize": number("MemorySize", 128), "Timeout": number("Timeout", 3),
		"CodeSha256": f.code.sha256, "CodeSize": f.code.size, "LastModified": f.Changed.Format("2006-01-02T15:04:05.000-0700"),
		"Version": "$LATEST", "State": "Active", "LastUpdateStatus": "Successful", "PackageType": orElse(f.text("PackageType"), "Zip"),
		"Architectures": []string{"x86_64"}, "TracingConfig": object{"Mode": "PassThrough"}, "EphemeralStorage": object{"Size": 512},
		"RevisionId":    derived(f.Changed.String()+f.seed, hexDigits, 32),
		"LoggingConfig": object{"LogFormat": "Text", "LogGroup": "/aws/lambda/" + f.Name},
	}
	for _, name := range []string{"Architectures", "Environment", "TracingConfig", "EphemeralStorage", "DeadLetterConfig"} {
		if value, given := f.Properties[name]; given {
			out[name] = value
		}
	}
	if logging, given := f.Properties["LoggingConfig"].(object); given {
		for name, value := range logging {
			out["LoggingConfig"].(object)[name] = value
		}
	}
	if vpc, given := f.Properties["VpcConfig"].(object); given {
		shown := object{"SubnetIds": vpc["SubnetIds"], "SecurityGroupIds": vpc["SecurityGroupIds"]}
		for _, id := range references(f, "VpcConfig.SubnetIds") {
			subnet, _ := s.find(place{f.Account, f.Region}, "AWS::EC2::Subnet", id)
			shown["VpcId"] = subnet.text("VpcId")
		}
		out["VpcConfig"] = shown
	}
	if layers := references(f, "Layers"); len(layers) > 0 {
		var list []object
		for _, arn := range layers {
			list = append(list, object{"Arn": arn})
		}
		out["Layers"] = list
	}
	return out
}

func listFunctions(r *request) (any, error) {
	functions := []object{}
	all := r.store.list(r.at(), lambdaFunction)
	start, most := 0, 50
	if n, err := strconv.Atoi(r.text("MaxItems")); err == nil && n > 0 && n < most {
		most = n
	}
	if marker := r.text("Marker"); marker != "" {
		for start < len(all) && all[start].Name <= marker {
			start++
		}
	}
	end := min(start+most, len(all))
	for _, f := range all[start:end] {
		functions = append(functions, configurationOf(r.store, &f))
	}
	out := object{"Functions": functions}
	if end < len(all) {
		out["NextMarker"] = all[end-1].Name
	}
	return out, nil
}

func getFunction(r *request) (any, error) {
	f, err := r.functionNamed(r.text("FunctionName"))
	if err != nil {
		return nil, err
	}
	out := object{
		"Configuration": configurationOf(r.store, &f), "Tags": tagMap(&f),
		"Code": object{"RepositoryType": "S3", "Location": r.server.URL() + "/rehearsal-keeps-no-code-to-download/" + f.Name},
	}
	if reserved := f.text("ReservedConcurrentExecutions"); reserved != "" {
		out["Concurrency"] = object{"ReservedConcurrentExecutions": f.Properties["ReservedConcurrentExecutions"]}
	}
	return out, nil
}

func getFunctionConfiguration(r *request) (any, error) {
	f, err := r.functionNamed(r.text("FunctionName"))
	if err != nil {
		return nil, err
	}
	return configurationOf(r.store, &f), nil
}

func getFunctionConcurrency(r *request) (any, error) {
	f, err := r.functionNamed(r.text("FunctionName"))
	if err != nil {
		return nil, err
	}
	if reserved, given := f.Properties["ReservedConcurrentExecutions"]; given {
		return object{"ReservedConcurrentExecutions": reserved}, nil
	}
	return object{}, nil
}

// listProvisionedConcurrency is what a function's versions and aliases keep
// ready.
// https://docs.aws.amazon.com/lambda/latest/api/API_ListProvisionedConcurrencyConfigs.html
func listProvisionedConcurrency(r *request) (any, error) {
	if r.text("List") != "ALL" {
		return nil, refuse(http.StatusNotImplemented, "NotImplemented", "the rehearsal does not know lambda GetProvisionedConcurrencyConfig")
	}
	f, err := r.functionNamed(r.text("FunctionName"))
	if err != nil {
		return nil, err
	}
	configs := []object{}
	for _, kind := range []string{"AWS::Lambda::Alias", "AWS::Lambda::Version"} {
		for _, part := range r.store.list(r.at(), kind) {
			ready := int(part.ready())
			if name := part.text("FunctionName"); ready > 0 && (name == f.Name || name == f.attribute("Arn")) {
				configs = append(configs, object{
					"FunctionArn": part.PhysicalID, "RequestedProvisionedConcurrentExecutions": ready, "LastModified": isoTime(part.Changed),
					"AllocatedProvisionedConcurrentExecutions": ready, "AvailableProvisionedConcurrentExecutions": ready, "Status": "READY",
				})
			}
		}
	}
	configs, next, err := pageAt(r, configs, 50, "Marker")
	return object{"ProvisionedConcurrencyConfigs": configs, "NextMarker": orNil(next)}, err
}

// getAccountSettings is what an account has of Lambda, and how much of it is
// used. What functions keep ready without a reservation is not in it.
// https://docs.aws.amazon.com/lambda/latest/api/API_GetAccountSettings.html
func getAccountSettings(r *request) (any, error) {
	concurrency := r.store.valueOf(r.at(), findQuota("lambda", "L-B99A9384"))
	storage := r.store.valueOf(r.at(), findQuota("lambda", "L-2ACBD22F"))
	functions := r.store.list(r.at(), lambdaFunction)
	var stored []*Resource
	reserved := 0.0
	for i := range functions {
		reserved += functions[i].number("ReservedConcurrentExecutions")
	}
	for _, kind := range codeKinds {
		all := r.store.list(r.at(), kind)
		for i := range all {
			stored = append(stored, &all[i])
		}
	}
	return object{
		"AccountLimit": object{
			"ConcurrentExecutions": int(concurrency), "UnreservedConcurrentExecutions": int(concurrency - reserved),
			"TotalCodeSize": int64(storage * gibibyte), "CodeSizeUnzipped": 262144000, "CodeSizeZipped": 52428800,
		},
		"AccountUsage": object{"FunctionCount": len(functions), "TotalCodeSize": int64(codeTaken(r.store, stored)[""] * gibibyte)},
	}, nil
}

// getFunctionPolicy puts the function's permissions together, as Lambda does.
func getFunctionPolicy(r *request) (any, error) {
	f, err := r.functionNamed(r.text("FunctionName"))
	if err != nil {
		return nil, err
	}
	statements := []object{}
	for _, p := range r.store.list(r.at(), "AWS::Lambda::Permission") {
		if target := p.text("FunctionName"); target != f.Name && target != f.attribute("Arn") {
			continue
		}
		statement := object{
			"Sid": p.PhysicalID, "Effect": "Allow", "Action": p.text("Action"), "Resource": f.attribute("Arn"),
			"Principal": object{"Service": p.text("Principal")},
		}
		if source := p.text("SourceArn"); source != "" {
			statement["Condition"] = object{"ArnLike": object{"AWS:SourceArn": source}}
		}
		statements = append(statements, statement)
	}
	if len(statements) == 0 {
		return nil, refuse(http.StatusNotFound, "ResourceNotFoundException", "The resource you requested does not exist.")
	}
	policy, _ := json.Marshal(object{"Version": "2012-10-17", "Id": "default", "Statement": statements})
	return object{"Policy": string(policy)}, nil
}

func listFunctionTags(r *request) (any, error) {
	f, err := r.functionNamed(r.text("Resource"))
	if err != nil {
		return nil, err
	}
	return object{"Tags": tagMap(&f)}, nil
}

func listEventSourceMappings(r *request) (any, error) {
	mappings := []object{}
	wanted := r.text("FunctionName")
	for _, m := range r.store.list(r.at(), "AWS::Lambda::EventSourceMapping") {
		name := m.text("FunctionName")
		name = name[strings.LastIndex(name, ":")+1:]
		if wanted != "" && !strings.HasSuffix(wanted, name) {
			continue
		}
		mappings = append(mappings, object{
			"UUID": m.PhysicalID, "EventSourceArn": m.text("EventSourceArn"), "State": "Enabled", "BatchSize": m.Properties["BatchSize"],
			"FunctionArn": "arn:" + partition(r.region) + ":lambda:" + r.region + ":" + r.account + ":function:" + name,
		})
	}
	return object{"EventSourceMappings": mappings}, nil
}

func deleteFunction(r *request, w http.ResponseWriter) (any, error) {
	f, err := r.functionNamed(r.text("FunctionName"))
	if err != nil {
		return nil, err
	}
	if err := r.store.remove(r.at(), lambdaFunction, f.PhysicalID); err != nil {
		return nil, err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil, nil
}
