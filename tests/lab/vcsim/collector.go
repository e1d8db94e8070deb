package main

import (
	"strconv"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// collector answers in pages, as a vCenter does; the simulator of govmomi 0.24 answers all at once whatever is asked.
// The embedded type stands first and by value, for the simulator finds the managed object by its first fields. It
// makes an empty one for every session: what holds for them all stands beside it.
type collector struct {
	simulator.PropertyCollector
	last int
	rest map[string]pending
}

// limits are what -max-page and -deny say.
var limits struct {
	maxPage int
	deny    string
}

type pending struct {
	objects []types.ObjectContent
	size    int
}

func (c *collector) cut(all []types.ObjectContent, size int) *types.RetrieveResult {
	if size <= 0 || len(all) <= size {
		return &types.RetrieveResult{Objects: all}
	}
	if c.rest == nil {
		c.rest = map[string]pending{}
	}
	c.last++
	token := strconv.Itoa(c.last)
	c.rest[token] = pending{all[size:], size}
	return &types.RetrieveResult{Token: token, Objects: all[:size]}
}

func (c *collector) RetrievePropertiesEx(ctx *simulator.Context, r *types.RetrievePropertiesEx) soap.HasFault {
	answer := c.PropertyCollector.RetrievePropertiesEx(ctx, r)
	body, ok := answer.(*methods.RetrievePropertiesExBody)
	if !ok || body.Res == nil || body.Res.Returnval == nil {
		return answer
	}
	objects := body.Res.Returnval.Objects
	if name := unknownProperty(objects); name != "" {
		// A real server refuses the whole question.
		fault := simulator.Fault("", &types.InvalidProperty{Name: name})
		return &methods.RetrievePropertiesExBody{Fault_: fault}
	}
	for i := range objects {
		hide(&objects[i])
	}
	size := int(r.Options.MaxObjects)
	if limits.maxPage > 0 && (size == 0 || limits.maxPage < size) {
		size = limits.maxPage
	}
	body.Res.Returnval = c.cut(objects, size)
	if len(objects) == 0 {
		body.Res.Returnval = nil // an unset result, as a vCenter answers
	}
	return body
}

func (c *collector) ContinueRetrievePropertiesEx(
	ctx *simulator.Context, r *types.ContinueRetrievePropertiesEx,
) soap.HasFault {
	body := new(methods.ContinueRetrievePropertiesExBody)
	next, ok := c.rest[r.Token]
	if !ok {
		body.Fault_ = simulator.Fault("", &types.InvalidArgument{InvalidProperty: "token"})
		return body
	}
	delete(c.rest, r.Token)
	body.Res = &types.ContinueRetrievePropertiesExResponse{Returnval: *c.cut(next.objects, next.size)}
	return body
}

func (c *collector) CancelRetrievePropertiesEx(
	ctx *simulator.Context, r *types.CancelRetrievePropertiesEx,
) soap.HasFault {
	delete(c.rest, r.Token)
	return &methods.CancelRetrievePropertiesExBody{Res: new(types.CancelRetrievePropertiesExResponse)}
}

func unknownProperty(objects []types.ObjectContent) string {
	for _, object := range objects {
		for _, missing := range object.MissingSet {
			if fault, ok := missing.Fault.Fault.(*types.InvalidProperty); ok {
				return fault.Name
			}
		}
	}
	return ""
}

// hide leaves of an object that may not be read what the privilege to see it shows: its name and place.
func hide(object *types.ObjectContent) {
	denied := false
	for _, property := range object.PropSet {
		name, ok := property.Val.(string)
		denied = denied || (limits.deny != "" && property.Name == "name" && ok && strings.HasPrefix(name, limits.deny))
	}
	if !denied {
		return
	}
	var kept []types.DynamicProperty
	for _, property := range object.PropSet {
		if property.Name == "name" || property.Name == "parent" {
			kept = append(kept, property)
			continue
		}
		object.MissingSet = append(object.MissingSet, types.MissingProperty{
			Path: property.Name,
			Fault: types.LocalizedMethodFault{
				Fault: &types.NoPermission{Object: object.Obj, PrivilegeId: "System.Read"},
			},
		})
	}
	object.PropSet = kept
}

// narrowRights are those of a login that was given a branch of the inventory and not its top.
type narrowRights struct {
	simulator.AuthorizationManager
}

func (*narrowRights) HasPrivilegeOnEntities(r *types.HasPrivilegeOnEntities) soap.HasFault {
	var told []types.EntityPrivilege
	for _, entity := range r.Entity {
		privilege := types.EntityPrivilege{Entity: entity}
		for _, id := range r.PrivId {
			privilege.PrivAvailability = append(privilege.PrivAvailability, types.PrivilegeAvailability{PrivId: id})
		}
		told = append(told, privilege)
	}
	return &methods.HasPrivilegeOnEntitiesBody{Res: &types.HasPrivilegeOnEntitiesResponse{Returnval: told}}
}
