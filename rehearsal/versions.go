package rehearsal

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// versions are what buckets with versioning keep beside the objects themselves.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/versioning-workflows.html
var versions = keep[versionState]("s3")

type versionState struct {
	// Latest are the ids of the versions that are shown, by bucket and key. Objects that were put before
	// versioning was on have the id "null".
	Latest map[string]map[string]string `json:",omitempty"`
	// Older are the others, the latest first. Where no object is shown, the first is a delete marker.
	Older map[string]map[string][]olderVersion `json:",omitempty"`
}

// olderVersion is a version that is not shown, or the marker of a deletion.
type olderVersion struct {
	ID       string
	Marker   bool        `json:",omitempty"`
	Content  []byte      `json:",omitempty"`
	Header   http.Header `json:",omitempty"`
	Modified time.Time
}

func isVersioned(bucket *Resource) bool {
	configured, _ := bucket.Properties["VersioningConfiguration"].(object)
	return textOf(configured["Status"]) == "Enabled"
}

// supersede makes room for an object, or for its deletion marker; the caller holds the lock. It returns the id
// of the new version; empty where the bucket has no versioning.
func (s *store) supersede(bucket *Resource, name string, marker bool) string {
	if !isVersioned(bucket) {
		return ""
	}
	v := versions.of(s, bucket.Account)
	if v.Latest == nil {
		v.Latest, v.Older = map[string]map[string]string{}, map[string]map[string][]olderVersion{}
	}
	if v.Latest[bucket.Name] == nil {
		v.Latest[bucket.Name], v.Older[bucket.Name] = map[string]string{}, map[string][]olderVersion{}
	}
	latest, older := v.Latest[bucket.Name], v.Older[bucket.Name]
	if current := s.objects[bucket.Name][name]; current != nil {
		older[name] = slices.Insert(older[name], 0, olderVersion{
			ID: orElse(latest[name], "null"), Content: current.content, Header: current.header, Modified: current.modified,
		})
		delete(s.objects[bucket.Name], name)
	}
	id := stableID(requestID(), 32)
	if delete(latest, name); marker {
		older[name] = slices.Insert(older[name], 0, olderVersion{ID: id, Marker: true, Modified: time.Now().UTC()})
	} else {
		latest[name] = id
	}
	return id
}

// deleteVersion deletes a version, or the object that is shown where none is named; the caller holds the lock.
func (s *store) deleteVersion(bucket *Resource, name, id string) {
	switch {
	case id != "":
		s.removeVersion(bucket, name, id)
	case isVersioned(bucket):
		s.supersede(bucket, name, true)
	default:
		delete(s.objects[bucket.Name], name)
	}
}

// removeVersion deletes one version for good; the caller holds the lock. What was shown before is shown again.
func (s *store) removeVersion(bucket *Resource, name, id string) {
	v := versions.of(s, bucket.Account)
	latest, older := v.Latest[bucket.Name], v.Older[bucket.Name]
	if current := s.objects[bucket.Name][name]; current != nil && id == orElse(latest[name], "null") {
		delete(s.objects[bucket.Name], name)
		delete(latest, name)
	} else {
		older[name] = slices.DeleteFunc(older[name], func(one olderVersion) bool { return one.ID == id })
	}
	if left := older[name]; s.objects[bucket.Name][name] == nil && len(left) > 0 && !left[0].Marker {
		s.objects[bucket.Name][name] = newObject(left[0].Content, left[0].Header)
		latest[name], older[name] = left[0].ID, left[1:]
	}
	if older != nil && len(older[name]) == 0 {
		delete(older, name)
	}
}

// isEmpty tells whether a bucket has no version of anything; the caller holds the lock.
func (s *store) isEmpty(bucket *Resource) bool {
	return len(s.objects[bucket.Name]) == 0 && len(versions.of(s, bucket.Account).Older[bucket.Name]) == 0
}

// listVersions lists every version and every delete marker, page by page.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html
func listVersions(r *request, bucket *Resource) (any, error) {
	r.store.mu.RLock()
	defer r.store.mu.RUnlock()
	v := versions.of(r.store, bucket.Account)
	latest, older := v.Latest[bucket.Name], v.Older[bucket.Name]
	most, err := strconv.Atoi(r.form.Get("max-keys"))
	if err != nil || most > 1000 {
		most = 1000
	}
	names := map[string]bool{}
	for name := range r.store.objects[bucket.Name] {
		names[name] = true
	}
	for name := range older {
		names[name] = true
	}
	var shown, markers flat
	result := object{"Name": bucket.Name, "Prefix": r.form.Get("prefix"), "MaxKeys": most, "IsTruncated": false}
	after, afterID := r.form.Get("key-marker"), r.form.Get("version-id-marker")
	// A version that was deleted since its page was listed is passed: the list goes on behind it.
	passed := afterID == "" || afterID != latest[after] && afterID != "null" &&
		!slices.ContainsFunc(older[after], func(one olderVersion) bool { return one.ID == afterID })
	var lastKey, lastID string
	add := func(list *flat, name, id string, entry object) bool {
		if name < after || name == after && !passed {
			passed = passed || name == after && id == afterID
			return true
		}
		if name == after && afterID == "" {
			return true
		}
		if len(shown)+len(markers) == most {
			result["IsTruncated"], result["NextKeyMarker"], result["NextVersionIdMarker"] = true, lastKey, lastID
			return false
		}
		entry["Key"], entry["VersionId"] = name, id
		*list = append(*list, entry)
		lastKey, lastID = name, id
		return true
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if !strings.HasPrefix(name, r.form.Get("prefix")) {
			continue
		}
		current := r.store.objects[bucket.Name][name]
		if current != nil && !add(&shown, name, orElse(latest[name], "null"), object{
			"IsLatest": true, "Size": len(current.content), "ETag": current.tag, "LastModified": current.modified, "StorageClass": "STANDARD",
		}) {
			break
		}
		full := false
		for i, one := range older[name] {
			list, entry := &shown, object{"IsLatest": current == nil && i == 0, "LastModified": one.Modified}
			if one.Marker {
				list = &markers
			} else {
				entry["Size"], entry["ETag"], entry["StorageClass"] = len(one.Content), newObject(one.Content, nil).tag, "STANDARD"
			}
			if full = !add(list, name, one.ID, entry); full {
				break
			}
		}
		if full {
			break
		}
	}
	result["Version"], result["DeleteMarker"] = shown, markers
	return document{"ListVersionsResult", result}, nil
}
