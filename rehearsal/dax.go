package rehearsal

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

func daxService() *service {
	return &service{protocol: json11, operations: map[string]operation{
		"DescribeClusters":        reading(describeClusters),
		"DescribeSubnetGroups":    reading(describeSubnetGroups),
		"DescribeParameterGroups": reading(describeParameterGroups),
		"ListTags":                reading(listClusterTags),
	}}
}

// named lists all resources of a type, or those that a parameter names; a name
// without a resource is the given refusal.
func (r *request) named(kind, parameter, missing, message string) ([]Resource, error) {
	names := r.texts(parameter)
	if len(names) == 0 {
		return r.store.list(r.at(), kind), nil
	}
	var found []Resource
	for _, name := range names {
		one, exists := r.store.find(r.at(), kind, name)
		if !exists {
			return nil, refuse(http.StatusBadRequest, missing, message, name)
		}
		found = append(found, one)
	}
	return found, nil
}

// describeClusters shows clusters as DAX does.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_dax_Cluster.html
func describeClusters(r *request) (any, error) {
	found, err := r.named("AWS::DAX::Cluster", "ClusterNames", "ClusterNotFoundFault", "Cluster %s not found.")
	if err != nil {
		return nil, err
	}
	clusters := []object{}
	for _, c := range found {
		size, _ := strconv.Atoi(c.text("ReplicationFactor"))
		host, port, _ := strings.Cut(c.attribute("ClusterDiscoveryEndpoint"), ":")
		number, _ := strconv.Atoi(port)
		nodes := []object{}
		for i := range size {
			name := fmt.Sprintf("%s-%c", c.Name, 'a'+i)
			nodes = append(nodes, object{
				"NodeId": name, "NodeStatus": "available", "NodeCreateTime": epoch(c.Created), "AvailabilityZone": zones(c.Region)[i%len(zones(c.Region))],
				"Endpoint": object{"Address": name + "." + host[strings.Index(host, ".")+1:], "Port": number},
			})
		}
		groups := []object{}
		for _, id := range references(&c, "SecurityGroupIds") {
			groups = append(groups, object{"SecurityGroupIdentifier": id, "Status": "active"})
		}
		sse := "DISABLED"
		if specification, given := c.Properties["SSESpecification"].(object); given && textOf(specification["SSEEnabled"]) == "true" {
			sse = "ENABLED"
		}
		clusters = append(clusters, object{
			"ClusterName": c.Name, "ClusterArn": c.attribute("Arn"), "Status": "available", "Description": c.text("Description"),
			"TotalNodes": size, "ActiveNodes": size, "NodeType": c.text("NodeType"), "Nodes": nodes, "IamRoleArn": c.text("IAMRoleARN"),
			"ClusterDiscoveryEndpoint":      object{"Address": host, "Port": number, "URL": c.attribute("ClusterDiscoveryEndpointURL")},
			"ClusterEndpointEncryptionType": orElse(c.text("ClusterEndpointEncryptionType"), "NONE"), "SSEDescription": object{"Status": sse},
			"SubnetGroup": c.text("SubnetGroupName"), "SecurityGroups": groups, "PreferredMaintenanceWindow": c.text("PreferredMaintenanceWindow"),
			"ParameterGroup": object{"ParameterGroupName": orElse(c.text("ParameterGroupName"), "default.dax1.0"), "ParameterApplyStatus": "in-sync"},
		})
	}
	return object{"Clusters": clusters}, nil
}

func describeSubnetGroups(r *request) (any, error) {
	found, err := r.named("AWS::DAX::SubnetGroup", "SubnetGroupNames", "SubnetGroupNotFoundFault", "Subnet group %s not found.")
	if err != nil {
		return nil, err
	}
	groups := []object{}
	for _, g := range found {
		subnets, vpc := []object{}, ""
		for _, id := range references(&g, "SubnetIds") {
			subnet, _ := r.store.find(r.at(), "AWS::EC2::Subnet", id)
			vpc = subnet.text("VpcId")
			subnets = append(subnets, object{"SubnetIdentifier": id, "SubnetAvailabilityZone": subnet.text("AvailabilityZone")})
		}
		groups = append(groups, object{"SubnetGroupName": g.Name, "Description": g.text("Description"), "VpcId": vpc, "Subnets": subnets})
	}
	return object{"SubnetGroups": groups}, nil
}

func describeParameterGroups(r *request) (any, error) {
	found, err := r.named("AWS::DAX::ParameterGroup", "ParameterGroupNames", "ParameterGroupNotFoundFault", "Parameter group %s not found.")
	if err != nil {
		return nil, err
	}
	groups := []object{}
	for _, g := range found {
		groups = append(groups, object{"ParameterGroupName": g.Name, "Description": g.text("Description")})
	}
	return object{"ParameterGroups": groups}, nil
}

func listClusterTags(r *request) (any, error) {
	arn := r.text("ResourceName")
	c, found := r.store.find(r.at(), "AWS::DAX::Cluster", arn[strings.LastIndex(arn, "/")+1:])
	if !found {
		return nil, refuse(http.StatusBadRequest, "ClusterNotFoundFault", "Cluster %s not found.", arn)
	}
	return object{"Tags": tagList(&c)}, nil
}
