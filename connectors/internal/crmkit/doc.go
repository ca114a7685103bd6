// Package crmkit is what CRM connectors do alike around their calls, each told once: which property holds which of intentd's fields,
// values in the canonical form and on the wire, the account of a Write, the plan of provisioning, the findings of a Probe, cursors,
// and the errors of options.
//
// Terms. A property is what the vendor calls one: a HubSpot property, a Salesforce field. An own field is one of intentd's as a
// property of this account.
package crmkit
