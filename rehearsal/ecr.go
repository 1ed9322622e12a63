package rehearsal

import (
	"net/http"
	"slices"
)

func ecrService() *service {
	return &service{protocol: json11, operations: map[string]operation{
		"DescribeRepositories": reading(describeRepositories),
	}}
}

func describeRepositories(r *request) (any, error) {
	repositories := []object{}
	names := r.texts("repositoryNames")
	found := map[string]bool{}
	for _, repository := range r.store.list(r.at(), "AWS::ECR::Repository") {
		found[repository.Name] = true
		if len(names) == 0 || slices.Contains(names, repository.Name) {
			repositories = append(repositories, object{
				"repositoryName": repository.Name, "repositoryArn": repository.attribute("Arn"), "repositoryUri": repository.attribute("RepositoryUri"),
				"registryId": r.account, "createdAt": epoch(repository.Created), "imageTagMutability": orElse(repository.text("ImageTagMutability"), "MUTABLE"),
			})
		}
	}
	for _, name := range names {
		if !found[name] {
			return nil, refuse(http.StatusBadRequest, "RepositoryNotFoundException", "The repository with name '%s' does not exist in the registry with id '%s'", name, r.account)
		}
	}
	return object{"repositories": repositories}, nil
}
