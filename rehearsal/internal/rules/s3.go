package rules

import (
	"regexp"
	"slices"
	"strings"

	"github.com/roadshow-go/roadshow/rehearsal/internal/policy"
)

const bucket = "AWS::S3::Bucket"

// regionalBucket is the form of the names that only their own account and region may use.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/gpbucketnamespaces.html
var regionalBucket = regexp.MustCompile(`-([0-9]{12})-([a-z]{2}(?:-[a-z]+)+-[0-9])-an$`)

// classes are the storage classes in the order in which objects may move.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html
var classes = []string{"STANDARD", "STANDARD_IA", "INTELLIGENT_TIERING", "ONEZONE_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"}

// corsMethods are the methods of a CORS rule.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/ManageCorsUsing.html
var corsMethods = []string{"GET", "PUT", "POST", "DELETE", "HEAD"}

// reservedPrefixes and reservedSuffixes are of names that nobody may take.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
var (
	reservedPrefixes = []string{"xn--", "sthree-", "amzn-s3-demo-"}
	reservedSuffixes = []string{"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"}
	address          = regexp.MustCompile(`^\d+\.\d+\.\d+\.\d+$`)
)

// malformedXML are the words of S3 for a configuration that its schema does not allow.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
const malformedXML = "The XML you provided was not well-formed or did not validate against our published schema"

var s3Rules = []rule{
	{id: "s3-name", on: bucket, says: func(c *call) string {
		reserved := slices.ContainsFunc(reservedPrefixes, func(p string) bool { return strings.HasPrefix(c.Name, p) }) ||
			slices.ContainsFunc(reservedSuffixes, func(p string) bool { return strings.HasSuffix(c.Name, p) })
		if strings.Contains(c.Name, "..") || address.MatchString(c.Name) || reserved {
			return "The specified bucket is not valid."
		}
		return ""
	}},
	{id: "s3-regional-name", on: bucket, says: func(c *call) string {
		owner := regionalBucket.FindStringSubmatch(c.Name)
		switch regional := c.text("BucketNamespace") == "account-regional"; {
		case regional && (owner == nil || owner[1] != c.Account || owner[2] != c.Region):
			return "The specified bucket name does not follow the naming rules of the account regional namespace: it must end in -" + c.Account + "-" + c.Region + "-an."
		case !regional && owner != nil:
			return "The specified bucket name is reserved for an account regional namespace."
		}
		return ""
	}},
	{id: "s3-lifecycle-days", on: bucket, says: func(c *call) string {
		for _, rule := range c.objects("LifecycleConfiguration.Rules") {
			for _, transition := range transitions(rule) {
				days, given := whole(transition["TransitionInDays"])
				if class := textOf(transition["StorageClass"]); given && days < 30 && (class == "STANDARD_IA" || class == "ONEZONE_IA") {
					return words("'Days' in Transition action must be greater than or equal to 30 for storageClass '%s'", class)
				}
			}
		}
		return ""
	}},
	{id: "s3-lifecycle-order", on: bucket, says: func(c *call) string {
		for _, rule := range c.objects("LifecycleConfiguration.Rules") {
			all := transitions(rule)
			for _, one := range all {
				for _, other := range all {
					first, _ := whole(one["TransitionInDays"])
					second, _ := whole(other["TransitionInDays"])
					if rank(one) < rank(other) && first >= second && one["TransitionInDays"] != nil && other["TransitionInDays"] != nil {
						return words("'Days' in the Transition action for StorageClass '%s' for filter '(prefix=%s)' must be greater than 'Days' in the Transition action for StorageClass '%s' for filter '(prefix=%s)'",
							textOf(other["StorageClass"]), textOf(rule["Prefix"]), textOf(one["StorageClass"]), textOf(rule["Prefix"]))
					}
				}
			}
		}
		return ""
	}},
	{id: "s3-lifecycle-thirty-days-between", on: bucket, says: func(c *call) string {
		for _, rule := range c.objects("LifecycleConfiguration.Rules") {
			all := transitions(rule)
			for _, one := range all {
				for _, other := range all {
					first, _ := whole(one["TransitionInDays"])
					second, _ := whole(other["TransitionInDays"])
					from, to := textOf(one["StorageClass"]), textOf(other["StorageClass"])
					infrequent := from == "STANDARD_IA" || from == "ONEZONE_IA"
					if infrequent && (to == "GLACIER" || to == "DEEP_ARCHIVE" || to == "GLACIER_IR") && second > first && second < first+30 {
						return words("'Days' in the 'Transition' action for StorageClass '%s' for filter '(prefix=%s)' must be at least 30 days greater than 'Days' in the Transition action for StorageClass '%s' for filter '(prefix=%s)'",
							to, textOf(rule["Prefix"]), from, textOf(rule["Prefix"]))
					}
				}
			}
		}
		return ""
	}},
	{id: "s3-lifecycle-expiration", on: bucket, says: func(c *call) string {
		for _, rule := range c.objects("LifecycleConfiguration.Rules") {
			expires, given := whole(rule["ExpirationInDays"])
			for _, transition := range transitions(rule) {
				if days, is := whole(transition["TransitionInDays"]); given && is && expires <= days {
					return words("'Days' in the Expiration action for filter '(prefix=%s)' must be greater than 'Days' in the Transition action", textOf(rule["Prefix"]))
				}
			}
		}
		return ""
	}},
	{id: "s3-lifecycle-nothing-to-do", on: bucket, says: func(c *call) string {
		for _, rule := range c.objects("LifecycleConfiguration.Rules") {
			does := false
			for name := range rule {
				does = does || !slices.Contains([]string{"Id", "Status", "Prefix", "TagFilters", "ObjectSizeGreaterThan", "ObjectSizeLessThan"}, name)
			}
			if !does {
				return "At least one action needs to be specified in a rule"
			}
		}
		return ""
	}},
	{id: "s3-lifecycle-expiration-zero", on: bucket, says: func(c *call) string {
		for _, rule := range c.objects("LifecycleConfiguration.Rules") {
			if days, given := whole(rule["ExpirationInDays"]); given && days < 1 {
				return "'Days' for Expiration action must be a positive integer"
			}
		}
		return ""
	}},
	{id: "s3-lifecycle-rules", on: bucket, says: func(c *call) string {
		if len(c.objects("LifecycleConfiguration.Rules")) > 1000 {
			return malformedXML
		}
		return ""
	}},
	{id: "s3-cors-rules", on: bucket, says: func(c *call) string {
		if len(c.objects("CorsConfiguration.CorsRules")) > 100 {
			return malformedXML
		}
		return ""
	}},
	{id: "s3-lifecycle-rule-twice", on: bucket, says: func(c *call) string {
		seen := map[string]bool{}
		for _, rule := range c.objects("LifecycleConfiguration.Rules") {
			id := textOf(rule["Id"])
			if id != "" && seen[id] {
				return "Rule ID must be unique. Found same ID for more than one rule"
			}
			seen[id] = true
		}
		return ""
	}},
	{id: "s3-cors-method", on: bucket, says: func(c *call) string {
		for _, rule := range c.objects("CorsConfiguration.CorsRules") {
			for _, method := range textsOf(rule["AllowedMethods"]) {
				if !slices.Contains(corsMethods, method) {
					return words("Found unsupported HTTP method in CORS config. Unsupported method is %s", method)
				}
			}
		}
		return ""
	}},
	{id: "s3-cors-origin", on: bucket, says: func(c *call) string {
		for _, rule := range c.objects("CorsConfiguration.CorsRules") {
			for _, origin := range textsOf(rule["AllowedOrigins"]) {
				if strings.Count(origin, "*") > 1 {
					return words("AllowedOrigin \"%s\" can not have more than one wildcard.", origin)
				}
			}
		}
		return ""
	}},
	{id: "s3-cors-header", on: bucket, says: func(c *call) string {
		for _, rule := range c.objects("CorsConfiguration.CorsRules") {
			for _, header := range textsOf(rule["AllowedHeaders"]) {
				if strings.Count(header, "*") > 1 {
					return words("AllowedHeader \"%s\" contains more than one wildcard. Only one wildcard is allowed in AllowedHeader.", header)
				}
			}
			for _, header := range textsOf(rule["ExposedHeaders"]) {
				if strings.Contains(header, "*") {
					return words("ExposeHeader \"%s\" contains wildcard. We currently do not support wildcard for ExposeHeader.", header)
				}
			}
		}
		return ""
	}},
	{id: "s3-acl-of-enforced-owner", on: bucket, says: func(c *call) string {
		acl := c.text("AccessControl")
		if acl == "" || acl == "Private" || acl == "BucketOwnerFullControl" {
			return ""
		}
		for _, rule := range c.objects("OwnershipControls.Rules") {
			if textOf(rule["ObjectOwnership"]) != "BucketOwnerEnforced" {
				return ""
			}
		}
		return "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting"
	}},
	{id: "s3-notification-destination", on: bucket, says: func(c *call) string {
		source := "arn:" + c.Partition + ":s3:::" + c.Name
		for _, one := range c.objects("NotificationConfiguration.LambdaConfigurations") {
			target := c.Find(c.Resource, function, textOf(one["Function"]))
			if target != nil && !functionAllows(c, target, "s3.amazonaws.com", source) {
				return "Unable to validate the following destination configurations"
			}
		}
		for _, one := range c.objects("NotificationConfiguration.QueueConfigurations") {
			target := c.Find(c.Resource, queue, textOf(one["Queue"]))
			if target != nil && !queueAllows(c, target, "s3.amazonaws.com", source) {
				return "Unable to validate the following destination configurations"
			}
		}
		return ""
	}},
	{id: "s3-notification-fifo", on: bucket, says: func(c *call) string {
		for _, one := range c.objects("NotificationConfiguration.QueueConfigurations") {
			if strings.HasSuffix(textOf(one["Queue"]), ".fifo") {
				return "Unable to validate the following destination configurations"
			}
		}
		return ""
	}},
	{id: "s3-notification-overlap", on: bucket, says: func(c *call) string {
		type filter struct{ event, prefix, suffix string }
		var seen []filter
		for _, kind := range []string{"LambdaConfigurations", "QueueConfigurations", "TopicConfigurations"} {
			for _, one := range c.objects("NotificationConfiguration." + kind) {
				next := filter{event: textOf(one["Event"])}
				for _, rule := range objectsOf(document(document(one["Filter"])["S3Key"])["Rules"]) {
					switch strings.ToLower(textOf(rule["Name"])) {
					case "prefix":
						next.prefix = textOf(rule["Value"])
					case "suffix":
						next.suffix = textOf(rule["Value"])
					}
				}
				for _, other := range seen {
					if sameEvents(other.event, next.event) && overlapping(other.prefix, next.prefix, strings.HasPrefix) && overlapping(other.suffix, next.suffix, strings.HasSuffix) {
						return "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes are overlapping for the same event type."
					}
				}
				seen = append(seen, next)
			}
		}
		return ""
	}},
	{id: "s3-log-target", on: bucket, says: func(c *call) string {
		target := c.text("LoggingConfiguration.DestinationBucketName")
		if target != "" && target != c.Name && c.Find(c.Resource, bucket, target) == nil {
			return "The target bucket for logging does not exist"
		}
		return ""
	}},
	{id: "s3-policy-resource", on: "AWS::S3::BucketPolicy", says: func(c *call) string {
		owner := c.Find(c.Resource, bucket, c.text("Bucket"))
		for _, statement := range statements(c.at("PolicyDocument")) {
			for _, resource := range textsOf(statement["Resource"]) {
				own := ""
				if owner != nil {
					own = "arn:" + owner.Partition + ":s3:::" + owner.Name
				}
				if own != "" && resource != own && !strings.HasPrefix(resource, own+"/") && !policy.Matches(resource, own) && !policy.Matches(resource, own+"/x") {
					return "Policy has invalid resource"
				}
			}
		}
		return ""
	}},
	{id: "s3-policy-principal", on: "AWS::S3::BucketPolicy", says: func(c *call) string {
		for _, statement := range statements(c.at("PolicyDocument")) {
			if statement["Principal"] == nil && statement["NotPrincipal"] == nil {
				return "Missing required field Principal"
			}
			if missing := c.missingPrincipal(statement); missing != "" {
				return "Invalid principal in policy"
			}
		}
		return ""
	}},
	{id: "s3-policy-action", on: "AWS::S3::BucketPolicy", says: func(c *call) string {
		for _, statement := range statements(c.at("PolicyDocument")) {
			for _, action := range textsOf(statement["Action"]) {
				if action != "*" && !strings.HasPrefix(strings.ToLower(action), "s3:") {
					return "Policy has invalid action"
				}
			}
		}
		return ""
	}},
	{id: "s3-policy-action-of-resource", on: "AWS::S3::BucketPolicy", says: func(c *call) string {
		for _, statement := range statements(c.at("PolicyDocument")) {
			actions := textsOf(statement["Action"])
			ofObjects := len(actions) > 0 && !slices.ContainsFunc(actions, func(action string) bool {
				return !slices.Contains([]string{"s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:GetObjectVersion"}, action)
			})
			onObjects := slices.ContainsFunc(textsOf(statement["Resource"]), func(resource string) bool {
				return strings.Contains(resource, "/") || strings.HasSuffix(resource, "*")
			})
			if ofObjects && statement["Resource"] != nil && !onObjects {
				return "Action does not apply to any resource(s) in statement"
			}
		}
		return ""
	}},
	{id: "s3-policy-public", on: "AWS::S3::BucketPolicy", handler: "AccessDenied", status: 403, says: func(c *call) string {
		owner := c.Find(c.Resource, bucket, c.text("Bucket"))
		if owner == nil || owner.has("PublicAccessBlockConfiguration") && !owner.flag("PublicAccessBlockConfiguration.BlockPublicPolicy") {
			return ""
		}
		for _, statement := range statements(c.at("PolicyDocument")) {
			everybody := textOf(statement["Principal"]) == "*" || slices.Contains(textsOf(document(statement["Principal"])["AWS"]), "*")
			if everybody && textOf(statement["Effect"]) == "Allow" && statement["Condition"] == nil {
				return "User: arn:aws:iam::" + c.Account + ":user/rehearsal is not authorized to perform: s3:PutBucketPolicy on resource: \"arn:aws:s3:::" + owner.Name + "\" because public policies are blocked by the BlockPublicPolicy block public access setting."
			}
		}
		return ""
	}},
	{id: "s3-policy-size", on: "AWS::S3::BucketPolicy", says: func(c *call) string {
		if size(c.at("PolicyDocument")) > 20480 {
			return "Policy exceeds the maximum allowed document size."
		}
		return ""
	}},
}

// transitions are a lifecycle rule's, in either of its two forms.
func transitions(rule object) []object {
	all := objectsOf(rule["Transitions"])
	if one := document(rule["Transition"]); one != nil {
		all = append(all, one)
	}
	return all
}

func rank(transition object) int { return slices.Index(classes, textOf(transition["StorageClass"])) }

// sameEvents says whether two events of S3 have one in common: s3:ObjectCreated:* is of s3:ObjectCreated:Put.
func sameEvents(a, b string) bool { return policy.Matches(a, b) || policy.Matches(b, a) }

func overlapping(a, b string, in func(string, string) bool) bool { return in(a, b) || in(b, a) }
