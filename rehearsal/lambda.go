package rehearsal

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

func lambdaService() *service {
	return &service{
		protocol: restJSON, payload: "Invoke",
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
			{"POST /2015-03-31/functions/{FunctionName}/versions", "PublishVersion"},
			{"GET /2015-03-31/functions/{FunctionName}/aliases/{Name}", "GetAlias"},
			{"PUT /2015-03-31/functions/{FunctionName}/aliases/{Name}", "UpdateAlias"},
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
			"UpdateFunctionCode":                reading(updateFunctionCode),
			"UpdateFunctionConfiguration":       reading(updateFunctionConfiguration),
			"Invoke":                            invoke,
			"PublishVersion":                    publishVersion,
			"GetAlias":                          reading(getAlias),
			"UpdateAlias":                       reading(updateAlias),
			"DeleteFunction":                    deleteFunction,
		},
	}
}

const (
	lambdaFunction = "AWS::Lambda::Function"
	lambdaVersion  = "AWS::Lambda::Version"
	lambdaAlias    = "AWS::Lambda::Alias"
)

// functions is what Lambda keeps of functions beside their properties.
var functions = keep[functionState]("lambda")

type functionState struct {
	// Updating is, by a function's ARN, the revision that Lambda is still
	// bringing about. CloudFormation waits for its own, so those are not here.
	Updating map[string]int64 `json:",omitempty"`
	// Configurations are, by a version's ARN, the function's properties when it was published.
	Configurations map[string]object `json:",omitempty"`
}

func (state *functionState) publish(version string, f *Resource) {
	if state.Configurations == nil {
		state.Configurations = map[string]object{}
	}
	state.Configurations[version] = maps.Clone(f.Properties)
}

// publishedAsItIs is the function's latest version, if nothing has changed since; else nil. The caller
// holds the lock.
func (s *store) publishedAsItIs(f *Resource) *Resource {
	latest := s.latestVersion(f)
	if latest == nil {
		return nil
	}
	properties := functions.of(s, f.Account).Configurations[latest.PhysicalID]
	if properties == nil || publishable(&Resource{Properties: properties, code: latest.code}) != publishable(f) {
		return nil
	}
	return latest
}

// updating says whether the function's last change is still under way. The
// caller holds the store's lock.
func (s *store) updating(f *Resource) bool {
	revision, found := functions.of(s, f.Account).Updating[f.attribute("Arn")]
	return found && revision == f.revision
}

// functionNamed is the function that a request names: itself, and none of its versions.
func (r *request) functionNamed(name string) (Resource, error) {
	named := readFunction(r.at(), name)
	if err := r.reachable(named); err != nil {
		return Resource{}, err
	}
	if named.account != r.account {
		return Resource{}, refuse(http.StatusNotImplemented, "NotImplemented", "the rehearsal does not know lambda %s across accounts", r.operation)
	}
	f, found := r.store.find(named.place, lambdaFunction, named.name)
	if !found || named.qualifier != "" && named.qualifier != "$LATEST" {
		return f, named.missing()
	}
	return f, nil
}

// logGroupOf is the name of a function's log group.
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-loggroups.html
func logGroupOf(f *Resource) string {
	return orElse(textOf(f.member("LoggingConfig", "LogGroup")), "/aws/lambda/"+f.Name)
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
		"LoggingConfig": object{"LogFormat": "Text", "LogGroup": logGroupOf(f)},
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
		"Configuration": r.observed(&f), "Tags": tagMap(&f),
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
	return r.observed(&f), nil
}

// observed is what a function is, with its update where one is under way. An
// update is done once it was observed, so that a client that waits sees it, and
// one that does not wait is refused.
// https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html
func (r *request) observed(f *Resource) object {
	out := configurationOf(r.store, f)
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	if r.store.updating(f) {
		updateUnderWay(out)
		delete(functions.of(r.store, f.Account).Updating, f.attribute("Arn"))
	}
	return out
}

func updateUnderWay(configuration object) {
	configuration["LastUpdateStatus"] = "InProgress"
	configuration["LastUpdateStatusReason"] = "The function is being created."
	configuration["LastUpdateStatusReasonCode"] = "Creating"
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
			if ready > 0 && readFunction(r.at(), part.text("FunctionName")).arn() == f.attribute("Arn") {
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
	reserved := r.store.reserved(r.at())
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
	statements := r.store.permissions(functionReference{place: r.at(), name: f.Name, qualifier: r.text("Qualifier")})
	if statements == nil {
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

// mappingOf is an event source mapping with the defaults that Lambda fills in.
// https://docs.aws.amazon.com/lambda/latest/api/API_EventSourceMappingConfiguration.html
func mappingOf(m *Resource, function string) object {
	out := object{
		"UUID": m.PhysicalID, "EventSourceArn": m.text("EventSourceArn"), "FunctionArn": function, "State": "Enabled",
		"StateTransitionReason": "USER_INITIATED", "LastModified": epoch(m.Changed),
	}
	if m.text("Enabled") == "false" {
		out["State"] = "Disabled"
	}
	defaults := object{"BatchSize": 10, "MaximumBatchingWindowInSeconds": 0, "FunctionResponseTypes": []any{}}
	if strings.Contains(m.text("EventSourceArn"), "/stream/") {
		defaults = object{
			"BatchSize": 100, "MaximumBatchingWindowInSeconds": 0, "FunctionResponseTypes": []any{}, "StartingPosition": nil,
			"MaximumRecordAgeInSeconds": -1, "MaximumRetryAttempts": -1, "ParallelizationFactor": 1, "BisectBatchOnFunctionError": false,
			"TumblingWindowInSeconds": 0, "LastProcessingResult": "No records processed",
		}
	}
	for _, name := range []string{"FilterCriteria", "DestinationConfig", "ScalingConfig"} {
		defaults[name] = nil
	}
	for name, value := range defaults {
		if out[name] = m.Properties[name]; out[name] == nil {
			out[name] = value
		}
		if out[name] == nil {
			delete(out, name)
		}
	}
	return out
}

func listEventSourceMappings(r *request) (any, error) {
	mappings := []object{}
	for _, m := range r.store.list(r.at(), "AWS::Lambda::EventSourceMapping") {
		target := readFunction(r.at(), m.text("FunctionName"))
		if r.text("FunctionName") == "" || target == r.function("FunctionName") {
			mappings = append(mappings, mappingOf(&m, target.qualified()))
		}
	}
	return object{"EventSourceMappings": mappings}, nil
}

// updateFunctionCode gives a function another deployment package.
// https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionCode.html
func updateFunctionCode(r *request) (any, error) {
	code := object{}
	for _, part := range []string{"S3Bucket", "S3Key", "ImageUri"} {
		if r.text(part) != "" {
			code[part] = r.input[part]
		}
	}
	if len(code) == 0 && r.input["ZipFile"] == nil {
		return nil, invalidParameter("Please provide a source for function code.")
	}
	if content := r.text("ZipFile"); content != "" {
		// The words are those that people report, as in https://github.com/boto/boto3/issues/488.
		packed, _ := base64.StdEncoding.DecodeString(content)
		if _, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed))); err != nil {
			return nil, invalidParameter("Could not unzip uploaded file. Please check your file, then try to upload again.")
		}
		code[uploadedPackage] = content
	}
	return r.updateFunction([]string{"S3Bucket", "S3Key", "ImageUri", "ZipFile", "Architectures"}, func(properties object) {
		properties["Code"] = code
		if r.input["Architectures"] != nil {
			properties["Architectures"] = r.input["Architectures"]
		}
	})
}

// updateFunctionConfiguration changes everything else; what the request does
// not have stays. https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionConfiguration.html
func updateFunctionConfiguration(r *request) (any, error) {
	names := []string{
		"DeadLetterConfig", "Description", "Environment", "EphemeralStorage", "Handler", "Layers", "LoggingConfig", "MemorySize",
		"Role", "Runtime", "Timeout", "TracingConfig", "VpcConfig",
	}
	return r.updateFunction(names, func(properties object) {
		for _, name := range names {
			if value, given := r.input[name]; given {
				properties[name] = value
			}
		}
	})
}

// updateFunction changes a function, which is then under way until somebody has
// observed it. Until then every other change is refused.
func (r *request) updateFunction(known []string, change func(properties object)) (any, error) {
	if err := r.knows(append(slices.Clone(known), "RevisionId")...); err != nil {
		return nil, err
	}
	f, err := r.changeable()
	if err != nil {
		return nil, err
	}
	change(f.Properties)
	changed, err := r.store.change(r.at(), f.Type, f.PhysicalID, f.Properties)
	if err != nil {
		return nil, invalidParameter("%s", wordsOfService(err))
	}
	r.store.mu.Lock()
	state := functions.of(r.store, r.account)
	if state.Updating == nil {
		state.Updating = map[string]int64{}
	}
	state.Updating[changed.attribute("Arn")] = changed.revision
	r.store.mu.Unlock()
	out := configurationOf(r.store, &changed)
	updateUnderWay(out)
	return out, nil
}

// changeable is the function that a request names, unless it is being changed,
// or is not as the request knows it.
func (r *request) changeable() (Resource, error) {
	f, err := r.functionNamed(r.text("FunctionName"))
	if err != nil {
		return f, err
	}
	r.store.mu.RLock()
	defer r.store.mu.RUnlock()
	if r.store.updating(&f) {
		return f, refuse(http.StatusConflict, "ResourceConflictException", "The operation cannot be performed at this time. An update is in progress for resource: %s", f.attribute("Arn"))
	}
	if revision := r.text("RevisionId"); revision != "" && revision != configurationOf(r.store, &f)["RevisionId"] {
		return f, refuse(http.StatusPreconditionFailed, "PreconditionFailedException", "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id")
	}
	return f, nil
}

func invalidParameter(format string, args ...any) error {
	return refuse(http.StatusBadRequest, "InvalidParameterValueException", format, args...)
}

var handlerWords = regexp.MustCompile(`^Resource handler returned message: "(.*) \(Service: `)

// wordsOfService are the service's own, of a refusal as CloudFormation reports it.
func wordsOfService(err error) string {
	if words := handlerWords.FindStringSubmatch(err.Error()); words != nil {
		return words[1]
	}
	return err.Error()
}

// publishable is a digest of all that a version would have of the function.
func publishable(f *Resource) string {
	properties := maps.Clone(f.Properties)
	for _, name := range []string{"Code", "CodeSigningConfigArn", "ReservedConcurrentExecutions", "Tags"} {
		delete(properties, name)
	}
	text, _ := json.Marshal([]any{properties, f.code.sha256})
	return hashed(text)
}

// latestVersion is the function's version of the highest number; nil where it
// has none. The caller holds the store's lock.
func (s *store) latestVersion(f *Resource) *Resource {
	var latest *Resource
	for _, v := range s.resources {
		if v.Type == lambdaVersion && s.referred(v, lambdaFunction, v.text("FunctionName")) == s.get(place{f.Account, f.Region}, lambdaFunction, f.Name) &&
			(latest == nil || versionNumber(v) > versionNumber(latest)) {
			latest = v
		}
	}
	return latest
}

func versionNumber(v *Resource) int {
	number, _ := strconv.Atoi(v.attribute("Version"))
	return number
}

// publishVersion makes a version of the function as it is, or answers with the
// latest one where nothing has changed since.
// https://docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html
func publishVersion(r *request, w http.ResponseWriter) (any, error) {
	if err := r.knows("RevisionId", "Description"); err != nil {
		return nil, err
	}
	f, err := r.changeable()
	if err != nil {
		return nil, err
	}
	version, published := r.publishedAsItIs(&f)
	if !published {
		version = Resource{
			Account: r.account, Region: r.region, Type: lambdaVersion, seed: requestID(),
			Properties: object{"FunctionName": f.Name, "Description": r.text("Description")},
		}
		if err := r.store.create(&version); err != nil {
			return nil, invalidParameter("%s", wordsOfService(err))
		}
	}
	out := configurationOf(r.store, &f)
	out["FunctionArn"], out["Version"] = version.PhysicalID, version.attribute("Version")
	w.Header().Set("Content-Type", restJSON.contentType())
	writeJSON(w, http.StatusCreated, out)
	return nil, nil
}

func (r *request) publishedAsItIs(f *Resource) (Resource, bool) {
	r.store.mu.RLock()
	defer r.store.mu.RUnlock()
	if latest := r.store.publishedAsItIs(f); latest != nil {
		return latest.copy(), true
	}
	return Resource{}, false
}

// aliasNamed is the alias that a request names.
func (r *request) aliasNamed() (Resource, error) {
	f, err := r.functionNamed(r.text("FunctionName"))
	if err != nil {
		return f, err
	}
	arn := f.attribute("Arn") + ":" + r.text("Name")
	alias, found := r.store.find(r.at(), lambdaAlias, arn)
	if !found {
		return alias, refuse(http.StatusNotFound, "ResourceNotFoundException", "Cannot find alias arn: %s", arn)
	}
	return alias, nil
}

func aliasOf(alias *Resource) object {
	return object{
		"AliasArn": alias.PhysicalID, "Name": alias.text("Name"), "FunctionVersion": alias.text("FunctionVersion"),
		"Description": alias.text("Description"), "RevisionId": derived(alias.Changed.String()+alias.seed, hexDigits, 32),
	}
}

func getAlias(r *request) (any, error) {
	alias, err := r.aliasNamed()
	if err != nil {
		return nil, err
	}
	return aliasOf(&alias), nil
}

// updateAlias points an alias at another version.
// https://docs.aws.amazon.com/lambda/latest/api/API_UpdateAlias.html
func updateAlias(r *request) (any, error) {
	if err := r.knows("FunctionVersion", "Description"); err != nil {
		return nil, err
	}
	alias, err := r.aliasNamed()
	if err != nil {
		return nil, err
	}
	if number := r.text("FunctionVersion"); number != "" {
		arn := strings.TrimSuffix(alias.PhysicalID, alias.text("Name")) + number
		if _, found := r.store.find(r.at(), lambdaVersion, arn); !found && number != "$LATEST" {
			return nil, refuse(http.StatusNotFound, "ResourceNotFoundException", "Function not found: %s", arn)
		}
		alias.Properties["FunctionVersion"] = number
	}
	if description, given := r.input["Description"]; given {
		alias.Properties["Description"] = description
	}
	changed, err := r.store.change(r.at(), lambdaAlias, alias.PhysicalID, alias.Properties)
	if err != nil {
		return nil, invalidParameter("%s", wordsOfService(err))
	}
	return aliasOf(&changed), nil
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
