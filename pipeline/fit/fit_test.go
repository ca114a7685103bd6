package fit

import (
	"reflect"
	"testing"

	"github.com/intentd/intentd/pipeline/score"
)

func points(x float64) *float64 { return &x }

var config = &Config{A: 50, B: 30, C: 10, Rules: []Rule{
	{Property: "industry", AnyOf: []string{"Retail", "Wholesale"}, Points: 20},
	{Property: "employees", Min: points(50), Max: points(5000), Points: 30},
	{Property: "employees", Max: points(5), Points: -20},
	{Property: "jobtitle", Matches: []string{"head of *", "*director*"}, Points: 10},
	{Property: "Tier__c", CRM: "salesforce", AnyOf: []string{"gold"}, Points: 5},
}}

// Rules that hold add up; what is missing gives nothing and is counted; where nothing is known there is no grade.
func TestJudge(t *testing.T) {
	for _, c := range []struct {
		says    map[string]string
		grade   string
		points  int
		missing int
	}{
		{map[string]string{"industry": "retail", "employees": "120", "jobtitle": "Head of Sales", "salesforce Tier__c": "Gold"}, "A", 65, 0},
		{map[string]string{"industry": "farming;WHOLESALE ", "employees": "6"}, "C", 20, 2},
		{map[string]string{"employees": "50"}, "B", 30, 3},
		{map[string]string{"employees": "many", "Tier__c": "gold"}, "D", 0, 3},
		{map[string]string{"employees": "3", "jobtitle": "Regional Director, EMEA"}, "D", -10, 2},
		{map[string]string{"industry": " "}, "", 0, 4},
	} {
		got := config.Judge(func(property, crm string) string {
			if crm != "" {
				property = crm + " " + property
			}
			return c.says[property]
		})
		if got.Grade != c.grade || got.Points != c.points || len(got.Missing) != c.missing {
			t.Errorf("%v: %+v, want %s with %d points and %d missing", c.says, got, c.grade, c.points, c.missing)
		}
	}
}

// The combined grade is the letter and the band of the tier, and none without a letter.
func TestCombined(t *testing.T) {
	var got []string
	for _, tier := range []score.Tier{score.High, score.Medium, score.Low, score.TierUnknown} {
		got = append(got, (&Result{Grade: "B"}).Shown(tier, true))
	}
	if want := []string{"B1", "B2", "B3", "B4"}; !reflect.DeepEqual(got, want) || (&Result{}).Shown(score.High, true)+(&Result{Grade: "A"}).Shown(score.High, false) != "" {
		t.Errorf("%v", got)
	}
}

func TestLike(t *testing.T) {
	for _, c := range []struct {
		pattern, v string
		want       bool
	}{{"a", "a", true}, {"a", "ab", false}, {"a*", "ab", true}, {"*b", "ab", true}, {"*b*", "abc", true}, {"a*b*c", "axbxc", true}, {"a*b", "acb", true}, {"ab*b", "ab", false}, {"*", "x", true}} {
		if like(c.pattern, c.v) != c.want {
			t.Errorf("%q like %q is not %v", c.v, c.pattern, c.want)
		}
	}
}

// Each part of the rules is part of their hash.
func TestHash(t *testing.T) {
	if (&Config{A: 1}).Hash() != 0 || (*Config)(nil).Hash() != 0 {
		t.Error("no rules have a hash")
	}
	seen := map[uint64]bool{}
	for _, c := range []Config{{A: 1}, {A: 2}, {B: 1}, {Combined: true}} {
		for _, r := range []Rule{{Property: "a"}, {Property: "a", CRM: "b"}, {Property: "a", AnyOf: []string{"b"}}, {Property: "a", Matches: []string{"b"}}, {Property: "a", Min: points(0)}, {Property: "a", Max: points(0)}, {Property: "a", Points: 1}} {
			c.Rules = []Rule{r}
			seen[c.Hash()] = true
		}
	}
	if len(seen) != 28 {
		t.Errorf("%d hashes of 28", len(seen))
	}
}
