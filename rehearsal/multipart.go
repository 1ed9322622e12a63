package rehearsal

import (
	"crypto/md5" // S3's entity tag is this
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"net/http"
	"strconv"
)

// upload is an object that arrives in parts, as the cdk command sends assets
// of more than five megabytes.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
type upload struct {
	bucket, key string
	header      http.Header
	parts       map[int][]byte
}

// uploadOf finds the request's upload; the caller holds the lock.
func (r *request) uploadOf() (*upload, error) {
	if u := r.store.uploads[r.form.Get("uploadId")]; u != nil && u.bucket == r.path["Bucket"] && u.key == r.path["Key"] {
		return u, nil
	}
	return nil, refuse(http.StatusNotFound, "NoSuchUpload", "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.")
}

func createMultipartUpload(r *request, bucket *Resource) (any, error) {
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	id := requestID()
	r.store.uploads[id] = &upload{bucket: bucket.Name, key: r.path["Key"], header: r.http.Header, parts: map[int][]byte{}}
	return document{"InitiateMultipartUploadResult", object{"Bucket": bucket.Name, "Key": r.path["Key"], "UploadId": id}}, nil
}

func uploadPart(r *request, w http.ResponseWriter) (any, error) {
	if _, err := r.bucket(); err != nil {
		return nil, err
	}
	content, err := payload(r)
	if err != nil {
		return nil, err
	}
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	u, err := r.uploadOf()
	if err != nil {
		return nil, err
	}
	number, err := strconv.Atoi(r.form.Get("partNumber"))
	if err != nil || number < 1 || number > 10000 {
		return nil, refuse(http.StatusBadRequest, "InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive")
	}
	u.parts[number] = content
	w.Header().Set("Etag", partTag(content))
	w.WriteHeader(http.StatusOK)
	return nil, nil
}

func partTag(content []byte) string {
	sum := md5.Sum(content)
	return `"` + hex.EncodeToString(sum[:]) + `"`
}

func completeMultipartUpload(r *request, bucket *Resource) (any, error) {
	var asked struct {
		Part []struct {
			PartNumber int
			ETag       string
		}
	}
	if err := xml.Unmarshal(r.body, &asked); err != nil || len(asked.Part) == 0 {
		return nil, refuse(http.StatusBadRequest, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
	}
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	u, err := r.uploadOf()
	if err != nil {
		return nil, err
	}
	var content, sums []byte
	for _, one := range asked.Part {
		part, sent := u.parts[one.PartNumber]
		if !sent || (one.ETag != "" && one.ETag != partTag(part)) {
			return nil, refuse(http.StatusBadRequest, "InvalidPart", "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.")
		}
		sum := md5.Sum(part)
		content, sums = append(content, part...), append(sums, sum[:]...)
	}
	held := r.store.objects[bucket.Name]
	if held == nil {
		return nil, refuse(http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist")
	}
	stored, whole := newObject(content, u.header), md5.Sum(sums)
	stored.tag = fmt.Sprintf(`"%x-%d"`, whole, len(asked.Part))
	r.store.supersede(bucket, u.key, false)
	held[u.key] = stored
	delete(r.store.uploads, r.form.Get("uploadId"))
	return document{"CompleteMultipartUploadResult", object{"Bucket": bucket.Name, "Key": u.key, "ETag": stored.tag}}, nil
}

func abortMultipartUpload(r *request, w http.ResponseWriter) (any, error) {
	if _, err := r.bucket(); err != nil {
		return nil, err
	}
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	if _, err := r.uploadOf(); err != nil {
		return nil, err
	}
	delete(r.store.uploads, r.form.Get("uploadId"))
	w.WriteHeader(http.StatusNoContent)
	return nil, nil
}
