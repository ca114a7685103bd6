package score

import (
	"encoding/hex"
	"reflect"
	"testing"
)

// Features that formula 1 stored are read: pages and forms that are key today are marked, and all else is as it was (invariant 10).
func TestFeaturesOfFormula1AreRead(t *testing.T) {
	// Written by the release before: a price page (60), an order form (70, application), a product page, a mail open.
	b, err := hex.DecodeString(formula1)
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeFeatures(b)
	if err != nil {
		t.Fatal(err)
	}
	want := Features{Products: []string{"Flow"}, ModelStage: Comparing, Topics: []Topic{{Name: "CRM", Points: 5, First: noon.Unix() - 9*day, Last: noon.Unix() - 2*day}},
		Signals: []Signal{
			{At: noon.Unix() - 9*day, Session: 1, Type: ContentView, Strength: 60, Flags: PricePage | Key},
			{At: noon.Unix() - 8*day, Session: 1, Type: FormSubmit, Strength: 70, Product: 1, Flags: Application | Key},
			{At: noon.Unix() - 2*day, Session: 2, Type: WebVisit, Strength: 40, Product: 1, Flags: ProductPage},
			{At: noon.Unix() - 1*day, Session: 3, Type: EmailEngage, Strength: 50, Flags: NoRecency},
		}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("read as %+v, want %+v", got, want)
	}
}

// The first start under another formula shows who would change tier, from stored features alone.
func TestMatrix(t *testing.T) {
	s := Defaults()
	var m Matrix
	for _, c := range []struct {
		shown Tier
		f     *Features
		then  Tier
	}{
		{High, all(repeat(3, sig(ContentView, 0)), repeat(5, sig(WebVisit, 2))), Medium},
		{High, all(repeat(2, sig(ContentView, 0, PricePage, Key)), repeat(5, sig(WebVisit, 2))), High},
		{Medium, all(repeat(5, sig(WebVisit, 0))), Low},
		{TierUnknown, &Features{}, TierUnknown},
	} {
		if then := m.Add(&s, Shown{Tier: c.shown}, c.f, noon); then != c.then {
			t.Errorf("%v becomes %v, want %v", c.shown, then, c.then)
		}
	}
	want := "now \\ then     high   medium      low  unknown\n" +
		"high              1        1        0        0\n" +
		"medium            0        0        1        0\n" +
		"low               0        0        0        0\n" +
		"unknown           0        0        0        1"
	if m.String() != want || m.People() != 4 || m.Changed() != 2 {
		t.Errorf("%d of %d\n%s\nwant\n%s", m.Changed(), m.People(), m.String(), want)
	}
}

const formula1 = "012004a7809d98af0d04026680c60a4001e980a43f100102a880c60a01020104466c6f77010343524d05ffc50affe949"
