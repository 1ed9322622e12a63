package rehearsal

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/roadshow-go/roadshow/internal/spec"
	"github.com/roadshow-go/roadshow/stages"
)

func taggingService() *service {
	return &service{protocol: json11, operations: map[string]operation{
		"GetResources":   reading(getResources),
		"TagResources":   reading(tagResources),
		"UntagResources": reading(untagResources),
	}}
}

// tokenLife is how long a page's token is good for.
// https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html
const tokenLife = 15 * time.Minute

// lists are those of which clients have not had the last page. The zero value has none.
type lists[T any] struct {
	mu      sync.Mutex
	cursors map[string]cursor[T]
}

// cursor is the rest of a list: what was there when its first page was asked for, so that a page may name
// what has been deleted since, as AWS's does.
type cursor[T any] struct {
	of      string // whose list it is; a token is no key to another's
	left    []T
	expires time.Time
}

// page gives a list's first items, and a token for the others.
func (l *lists[T]) page(of string, all []T, most int) ([]T, string) {
	if len(all) <= most {
		return all, ""
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for token, old := range l.cursors {
		if time.Now().After(old.expires) {
			delete(l.cursors, token)
		}
	}
	if l.cursors == nil {
		l.cursors = map[string]cursor[T]{}
	}
	token := requestID()
	l.cursors[token] = cursor[T]{of, all[most:], time.Now().Add(tokenLife)}
	return all[:most], token
}

// rest is the list behind a token. The token stays good, for a client that asks again after an answer that
// broke off.
func (l *lists[T]) rest(of, token string) ([]T, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	found, known := l.cursors[token]
	return found.left, known && found.of == of && time.Now().Before(found.expires)
}

// tagged is a resource with its tags, as the tagging API shows it.
type tagged struct {
	ARN  string
	Tags []any
}

// lingering is what the tagging API is slow to forget.
var lingering = keep[lingeringState]("tagging")

type lingeringState struct {
	// Listed is what it goes on listing, by region.
	Listed map[string][]tagged `json:",omitempty"`
}

// getResources lists what has tags, page by page. Users and roles of IAM it does not know, and what belongs
// to no region it tells in us-east-1 only.
// https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html
// https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/supported-services.html
func getResources(r *request) (any, error) {
	invalid := func(format string, args ...any) error {
		return refuse(http.StatusBadRequest, "InvalidParameterException", format, args...)
	}
	most := 50
	if text := r.text("ResourcesPerPage"); text != "" {
		var err error
		if most, err = strconv.Atoi(text); err != nil || most < 1 || most > 100 {
			return nil, invalid("ResourcesPerPage is %s, it must be between 1 and 100", text)
		}
	}
	filters, kinds, arns := listOf(r.input["TagFilters"]), r.texts("ResourceTypeFilters"), r.texts("ResourceARNList")
	switch {
	case len(filters) > 50 || len(kinds) > 100 || len(arns) > 100:
		return nil, invalid("Too many filters")
	case len(arns) > 0 && (len(filters) > 0 || len(kinds) > 0 || r.text("ResourcesPerPage") != "" || r.text("PaginationToken") != ""):
		return nil, invalid("ResourceARNList cannot be combined with filters or pagination")
	}
	of := fmt.Sprint(r.account, r.region, filters, kinds)
	var all []tagged
	if token := r.text("PaginationToken"); token != "" {
		var found bool
		if all, found = r.server.taggedLists.rest(of, token); !found {
			return nil, refuse(http.StatusBadRequest, "PaginationTokenExpiredException", "A PaginationToken is valid for a maximum of 15 minutes.")
		}
	} else {
		all = slices.DeleteFunc(r.server.taggedIn(r.at()), func(t tagged) bool {
			return !meetsTags(t.Tags, filters) || !meetsKinds(t.ARN, kinds) || len(arns) > 0 && !slices.Contains(arns, t.ARN)
		})
	}
	page, token := r.server.taggedLists.page(of, all, most)
	mappings := []object{}
	for _, one := range page {
		mappings = append(mappings, object{"ResourceARN": one.ARN, "Tags": one.Tags})
	}
	return object{"PaginationToken": token, "ResourceTagMappingList": mappings}, nil
}

// tagResources adds tags to what is named by its ARN, whichever tool has made it. What begins with aws: only AWS writes.
// https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_TagResources.html
func tagResources(r *request) (any, error) {
	given, _ := r.input["Tags"].(object)
	return retag(r, sortedNames(given), func(tags []any) []any {
		for _, name := range sortedNames(given) {
			tags = append(withoutTags(tags, name), object{"Key": name, "Value": given[name]})
		}
		return tags
	})
}

// untagResources takes tags away.
// https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_UntagResources.html
func untagResources(r *request) (any, error) {
	keys := r.texts("TagKeys")
	return retag(r, keys, func(tags []any) []any { return withoutTags(tags, keys...) })
}

func withoutTags(tags []any, keys ...string) []any {
	return slices.DeleteFunc(slices.Clone(tags), func(each any) bool {
		tag, _ := each.(object)
		return slices.Contains(keys, textOf(tag["Key"]))
	})
}

func retag(r *request, keys []string, change func(tags []any) []any) (any, error) {
	for _, key := range keys {
		if strings.HasPrefix(strings.ToLower(key), "aws:") {
			return nil, refuse(http.StatusBadRequest, "InvalidParameterException", "aws: prefixed tag key names are not allowed for external use.")
		}
	}
	failed := object{}
	for _, text := range r.texts("ResourceARNList") {
		r.store.mu.RLock()
		found := r.store.held(func(one *Resource) bool { return one.Account == r.account && r.store.arnOf(one) == text })
		r.store.mu.RUnlock()
		fail := func(why string) {
			failed[text] = object{"StatusCode": http.StatusBadRequest, "ErrorCode": "InvalidParameterException", "ErrorMessage": why}
		}
		if len(found) == 0 {
			fail("There is no such resource.")
			continue
		}
		one := found[0]
		t, _ := spec.Lookup(one.Type)
		if t.TagStyle == spec.NoTags {
			fail("The resource takes no tags.")
			continue
		}
		one.Properties[t.TagProperty] = styled(t, change(tagList(&one)))
		if _, err := r.store.change(place{one.Account, one.Region}, one.Type, one.PhysicalID, one.Properties); err != nil {
			return nil, refuse(http.StatusBadRequest, "InvalidParameterException", "%v", err)
		}
	}
	return object{"FailedResourcesMap": failed}, nil
}

// styled are tags as a type's property holds them.
func styled(t *spec.ResourceType, tags []any) any {
	if t.TagStyle == spec.TagMap {
		return tagMap(&Resource{Properties: object{"Tags": tags}})
	}
	return tags
}

// taggedIn is what a region shows, sorted by ARN: what it holds, and what it is slow to forget.
func (s *Server) taggedIn(at place) []tagged {
	s.store.mu.RLock()
	defer s.store.mu.RUnlock()
	out := slices.Clone(lingering.of(s.store, at.account).Listed[at.region])
	for _, r := range s.store.resources {
		if r.Account != at.account {
			continue
		}
		one := tagged{s.store.arnOf(r), systemTags(r)}
		region := r.Region
		if parts := strings.SplitN(one.ARN, ":", 5); len(parts) == 5 && parts[3] == "" && r.Type != "AWS::S3::Bucket" {
			region = "us-east-1"
		}
		if one.ARN != "" && len(one.Tags) > 0 && region == at.region {
			out = append(out, one)
		}
	}
	// Stable, so that what is there now goes before what was there.
	slices.Reverse(out)
	slices.SortStableFunc(out, func(a, b tagged) int { return cmp.Compare(a.ARN, b.ARN) })
	return slices.CompactFunc(out, func(a, b tagged) bool { return a.ARN == b.ARN })
}

// systemTags are a resource's own tags and, where it has any, those that CloudFormation adds.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-resource-tags.html
func systemTags(r *Resource) []any {
	t, known := spec.Lookup(r.Type)
	if !known || t.TagStyle == spec.NoTags || r.Type == "AWS::IAM::Role" || r.Type == "AWS::IAM::User" {
		return nil
	}
	out := []any{}
	for _, each := range tagList(r) {
		tag, _ := each.(object)
		out = append(out, object{"Key": textOf(tag["Key"]), "Value": textOf(tag["Value"])})
	}
	if r.StackID != "" {
		out = append(out,
			object{"Key": "aws:cloudformation:logical-id", "Value": r.LogicalID},
			object{"Key": "aws:cloudformation:stack-id", "Value": r.StackID},
			object{"Key": "aws:cloudformation:stack-name", "Value": r.Stack})
	}
	return out
}

// arnOf is a resource's ARN; empty where its type has none.
func (s *store) arnOf(r *Resource) string {
	t, known := spec.Lookup(r.Type)
	switch {
	case strings.HasPrefix(r.attribute("Arn"), "arn:"):
		return strings.TrimSuffix(r.attribute("Arn"), ":*") // a log group's has one, which its tags do not
	case strings.HasPrefix(r.PhysicalID, "arn:"):
		return r.PhysicalID
	case r.Type == "AWS::ApiGatewayV2::Stage":
		return fmt.Sprintf("arn:%s:apigateway:%s::/apis/%s/stages/%s", stages.Partition(r.Region), r.Region, r.text("ApiId"), r.Name)
	case !known || t.ARNTemplate == "":
		return ""
	}
	return arnPart.ReplaceAllStringFunc(t.ARNTemplate, func(match string) string {
		part := match[2 : len(match)-1]
		for _, value := range []string{
			map[string]string{"Partition": stages.Partition(r.Region), "Region": r.Region, "Account": r.Account}[part],
			r.attribute(part), r.text(part),
		} {
			if value != "" {
				return value
			}
		}
		if t.NameProperty == "" || r.Name == "" || strings.HasSuffix(part, "Id") {
			return r.PhysicalID
		}
		return strings.TrimPrefix(r.Name, "/")
	})
}

// meetsTags says whether tags meet all filters: of each, its key with one of its values, or with any where
// it names none.
func meetsTags(tags, filters []any) bool {
	for _, each := range filters {
		filter, _ := each.(object)
		if !slices.ContainsFunc(tags, func(tag any) bool {
			t := tag.(object)
			values := listOf(filter["Values"])
			return t["Key"] == textOf(filter["Key"]) && (len(values) == 0 || slices.Contains(values, t["Value"]))
		}) {
			return false
		}
	}
	return true
}

// meetsKinds says whether an ARN is of one of the types, each a service or a service and a type.
func meetsKinds(arn string, kinds []string) bool {
	parts := strings.SplitN(arn, ":", 6)
	if len(kinds) == 0 || len(parts) < 6 {
		return len(kinds) == 0
	}
	name := strings.TrimPrefix(parts[5], "/")
	kind := name[:max(0, strings.IndexAny(name, ":/"))]
	if parts[2] == "s3" {
		kind = "bucket"
	}
	return slices.Contains(kinds, parts[2]) || slices.Contains(kinds, parts[2]+":"+kind)
}

// LingerTags makes the tagging API of an account's region go on listing what it lists now, also when that is
// deleted, as AWS does for a while.
// https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html
func (s *Server) LingerTags(account, region string) {
	listed := s.taggedIn(place{account, region})
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	state := lingering.of(s.store, account)
	if state.Listed == nil {
		state.Listed = map[string][]tagged{}
	}
	state.Listed[region] = listed
}
