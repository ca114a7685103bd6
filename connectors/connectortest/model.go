package connectortest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/intentd/intentd/connectors"
)

// ModelVendor is a vendor of models, as the suite plays it.
type ModelVendor struct {
	// New makes a model that asks through rt with the key, at a price of 1 and 2 US dollars per million tokens in and out, and without
	// chance in its waits.
	New func(t testing.TB, rt http.RoundTripper, key string) connectors.Model
	// Write answers a request in the vendor's own form.
	Write func(w http.ResponseWriter, r ModelReply)
	// Learning answers a request by which the model finds out what the server can, and says that it was one. (there is none)
	Learning func(w http.ResponseWriter, body []byte) bool
}

// ModelReply is what the played vendor answers.
type ModelReply struct {
	Failure ModelFailure // ModelAnswers: a reply with what follows
	Message string       // of a failure
	Text    string
	End     ModelEnd
	In, Out int // tokens; 0: not told
}

// ModelFailure is a request that gets no reply.
type ModelFailure int

// The failures.
const (
	ModelAnswers     ModelFailure  = iota
	ModelRefusesAsk                // something in the prompt is wrong, or in the settings
	ModelRefusesKey                // wrong, or without the right
	ModelUnknown                   // no such model
	ModelBusy                      // a limit of the moment: 2 seconds
	ModelUsedUp                    // a limit that the next minutes do not end
	ModelBroken                    // a failure of the vendor's
	modelFailuresEnd = ModelBroken // the last
)

// ModelEnd is why a reply ended.
type ModelEnd int

// The ends.
const (
	ModelStopped ModelEnd = iota
	ModelSilent           // nothing is said about it
	ModelCut              // at its length limit
	ModelBlocked          // by the vendor's filters
)

// modelKey stands for a secret.
const modelKey = "key-0123456789abcdef-very-secret"

// modelPrompt holds a stranger's words, which no error may repeat.
var modelPrompt = connectors.Prompt{
	Purpose: "stage2", System: "Say in JSON what they want.", User: `{"typed":"Mallory wants forty licences"}`,
	Schema:    json.RawMessage(`{"type":"object","properties":{"want":{"type":"string"}},"required":["want"]}`),
	MaxTokens: 1000,
	Check: func(raw []byte) error {
		var v struct{ Want *string }
		if json.Unmarshal(raw, &v) != nil || v.Want == nil {
			return errors.New("no want")
		}
		return nil
	},
}

const modelAnswer = `{"want":"forty licences"}`

// modelStage plays the vendor.
type modelStage struct {
	v ModelVendor

	mu     sync.Mutex
	say    func(body string) ModelReply
	asked  int         // requests for prompts, the learning ones apart
	at     []time.Time // when
	forged []string    // requests that went anywhere with something wrong about them
}

func (s *modelStage) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	w := httptest.NewRecorder()
	if s.v.Learning == nil || !s.v.Learning(w, body) {
		s.mu.Lock()
		s.asked, s.at = s.asked+1, append(s.at, time.Now())
		say := s.say
		s.mu.Unlock()
		if strings.Contains(req.URL.String(), modelKey) || bytes.Contains(body, []byte(modelKey)) {
			s.forged = append(s.forged, req.URL.String())
		}
		s.v.Write(w, say(string(body)))
	}
	resp := w.Result()
	resp.Request = req
	return resp, nil
}

func (s *modelStage) answers(r ModelReply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.say = func(string) ModelReply { return r }
}

func (s *modelStage) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

// Model holds a model to what everybody who asks one relies on. Each part runs in time of its own.
func Model(t *testing.T, v ModelVendor) {
	good := ModelReply{Text: modelAnswer, In: 100, Out: 10}
	play := func(name string, f func(t *testing.T, m connectors.Model, s *modelStage)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &modelStage{v: v}
				s.answers(good)
				f(t, v.New(t, s, modelKey), s)
				if len(s.forged) > 0 {
					t.Errorf("the key stands where it can be read: %v", s.forged)
				}
			})
		})
	}
	play("shapes of answers", modelShapes)
	play("unusable answers", modelUnusable)
	play("kinds of failures", modelKinds)
	play("one prompt's fault", modelOnePrompt)
	play("everybody's fault", modelEveryPrompt)
	play("many unusable answers", modelManyUnusable)
	play("a vendor who answers nobody", modelDown)
	play("limit of the moment", modelBusy)
	play("end of the context", modelInterrupted)
}

// What models really send is used, and what is not told of its tokens is estimated.
func modelShapes(t *testing.T, m connectors.Model, s *modelStage) {
	for name, r := range map[string]ModelReply{
		"as documented":        {Text: modelAnswer, In: 100, Out: 10},
		"in a fence":           {Text: "```json\n" + modelAnswer + "\n```", In: 100, Out: 10},
		"twice":                {Text: modelAnswer + "\n" + modelAnswer, In: 100, Out: 10},
		"one more field":       {Text: `{"want":"forty licences","score":99}`, In: 100, Out: 10},
		"no word of its end":   {Text: modelAnswer, End: ModelSilent, In: 100, Out: 10},
		"cut behind the whole": {Text: modelAnswer + modelAnswer[:5], End: ModelCut, In: 100, Out: 10},
		"no usage":             {Text: modelAnswer},
		"half of the usage":    {Text: modelAnswer, In: 100},
	} {
		s.answers(r)
		c, err := m.Generate(t.Context(), modelPrompt)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := modelPrompt.Check(c.JSON); err != nil || !json.Valid(c.JSON) {
			t.Errorf("%s: got %s", name, c.JSON)
		}
		u := c.Usage
		if u.Calls != 1 || u.In <= 0 || u.Out <= 0 || u.MicroUSD != int64(u.In+2*u.Out) {
			t.Errorf("%s: usage %+v", name, u)
		}
		if e, ok := m.(connectors.Estimator); !ok || e.Estimate(modelPrompt) < int64(2*modelPrompt.MaxTokens) {
			t.Errorf("%s: no estimate that covers the longest answer", name)
		}
	}
}

// An unusable answer is that prompt's, paid for once, and told by a code.
func modelUnusable(t *testing.T, m connectors.Model, s *modelStage) {
	for code, r := range map[string]ModelReply{
		"blocked":    {End: ModelBlocked, In: 100},
		"cut":        {Text: modelAnswer[:10], End: ModelCut, In: 100, Out: 10},
		"empty":      {Text: "", In: 100},
		"not_json":   {Text: "Certainly! Mallory wants forty licences.", In: 100, Out: 10},
		"off_schema": {Text: `{"wish":"Mallory wants forty licences"}`, In: 100, Out: 10},
	} {
		s.answers(r)
		before := s.count()
		c, err := m.Generate(t.Context(), modelPrompt)
		var e *connectors.Error
		if !errors.As(err, &e) || e.Kind != connectors.Rejected || e.Code != code {
			t.Errorf("%s: %v", code, err)
			continue
		}
		if s.count() != before+1 || c.Usage.Calls != 1 || c.Usage.MicroUSD < 100 {
			t.Errorf("%s: %d requests, usage %+v", code, s.count()-before, c.Usage)
		}
		modelTells(t, m, err)
	}
}

// modelTells fails where an error or a report repeats the key or the prompt.
func modelTells(t *testing.T, m connectors.Model, err error) {
	t.Helper()
	last := ""
	if r, ok := m.(connectors.Reporter); ok {
		last = r.Report().LastError
	}
	for _, text := range []string{err.Error(), last} {
		if strings.Contains(text, modelKey) || strings.Contains(text, "Mallory") {
			t.Errorf("a message repeats key or prompt: %s", text)
		}
	}
}

// A failure's kind says who waits, and for what; whoever has to mend it reads how.
func modelKinds(t *testing.T, _ connectors.Model, s *modelStage) {
	kinds := map[ModelFailure]connectors.Kind{
		ModelRefusesAsk: connectors.Rejected, ModelRefusesKey: connectors.Auth, ModelUnknown: connectors.Config, ModelBusy: connectors.RateLimited,
		ModelUsedUp: connectors.Quota, ModelBroken: connectors.Transient,
	}
	for f := ModelRefusesAsk; f <= modelFailuresEnd; f++ {
		m := s.v.New(t, s, modelKey)
		s.answers(ModelReply{Failure: f, Message: "no: " + modelKey + ` {"typed":"Mallory wants forty licences"}`})
		c, err := m.Generate(t.Context(), modelPrompt)
		if connectors.KindOf(err) != kinds[f] {
			t.Errorf("failure %d: %v, want %s", f, err, kinds[f])
			continue
		}
		if c.Usage.MicroUSD != 0 {
			t.Errorf("failure %d cost %+v", f, c.Usage)
		}
		modelTells(t, m, err)
		var e *connectors.Error
		errors.As(err, &e)
		stops := connectors.Stops(err)
		if stops && e.Fix == "" {
			t.Errorf("failure %d: no fix", f)
		}
		before := s.count()
		if _, again := m.Generate(t.Context(), modelPrompt); stops && (s.count() != before || connectors.KindOf(again) != kinds[f]) {
			t.Errorf("failure %d: asked again at once: %v", f, again)
		}
		if r, ok := m.(connectors.Releaser); ok && stops {
			s.answers(ModelReply{Text: modelAnswer, In: 1, Out: 1})
			if r.Release(); s.count() != before {
				t.Errorf("failure %d: releasing asks", f)
			}
			if _, err := m.Generate(t.Context(), modelPrompt); err != nil {
				t.Errorf("failure %d: after its release: %v", f, err)
			}
		}
	}
}

// A prompt that is refused, however often, stops nobody else's.
func modelOnePrompt(t *testing.T, m connectors.Model, s *modelStage) {
	s.say = func(body string) ModelReply {
		if strings.Contains(body, "poison") {
			return ModelReply{Failure: ModelRefusesAsk, Message: "an invalid argument"}
		}
		return trialOr(body, ModelReply{Text: modelAnswer, In: 1, Out: 1})
	}
	poison := modelPrompt
	poison.User = `{"typed":"poison"}`
	for i := range 12 {
		if _, err := m.Generate(t.Context(), poison); connectors.KindOf(err) != connectors.Rejected {
			t.Fatalf("poison %d: %v", i, err)
		}
	}
	if _, err := m.Generate(t.Context(), modelPrompt); err != nil {
		t.Errorf("somebody else's prompt: %v", err)
	}
}

// trialOr answers the model's own small prompt, which asks for {"ok": true}, or else r.
func trialOr(body string, r ModelReply) ModelReply {
	if strings.Contains(body, `{\"ok\": true}`) {
		return ModelReply{Text: `{"ok":true}`, In: 1, Out: 1}
	}
	return r
}

// Where every prompt is refused the settings are wrong, and the vendor's words and the settings to look at are told.
func modelEveryPrompt(t *testing.T, m connectors.Model, s *modelStage) {
	s.answers(ModelReply{Failure: ModelRefusesAsk, Message: "an invalid argument"})
	var err error
	for range 4 {
		_, err = m.Generate(t.Context(), modelPrompt)
	}
	var e *connectors.Error
	if !errors.As(err, &e) || e.Kind != connectors.Config || !strings.Contains(e.Message, "an invalid argument") || !strings.Contains(e.Fix, "model.") {
		t.Fatalf("%v", err)
	}
	before := s.count()
	if _, err := m.Generate(t.Context(), modelPrompt); connectors.KindOf(err) != connectors.Config || s.count() != before {
		t.Errorf("asked again at once: %v", err)
	}
}

// Answers that cannot be used are not bought for ever.
func modelManyUnusable(t *testing.T, m connectors.Model, s *modelStage) {
	s.answers(ModelReply{Text: `{"wish":1}`, In: 100, Out: 10})
	var err error
	for range 60 {
		_, err = m.Generate(t.Context(), modelPrompt)
	}
	if n := s.count(); n > 20 || connectors.KindOf(err) != connectors.Config {
		t.Errorf("%d answers were paid for; then %v", n, err)
	}
	time.Sleep(time.Hour)
	s.answers(ModelReply{Text: modelAnswer, In: 100, Out: 10})
	if _, err := m.Generate(t.Context(), modelPrompt); err != nil {
		t.Errorf("an hour later: %v", err)
	}
}

// A vendor who answers nobody is not asked for everybody: the model rests, longer each time, and the first answer ends that.
func modelDown(t *testing.T, m connectors.Model, s *modelStage) {
	s.answers(ModelReply{Failure: ModelBroken, Message: "down"})
	start := time.Now()
	var err error
	for time.Since(start) < 12*time.Hour {
		if _, err = m.Generate(t.Context(), modelPrompt); connectors.KindOf(err) != connectors.Transient {
			t.Fatalf("after %s: %v", time.Since(start), err)
		}
		if until := connectors.Until(err); until.IsZero() && time.Since(start) > 2*time.Minute {
			t.Fatalf("after %s nobody is told to wait: %v", time.Since(start), err)
		}
		time.Sleep(time.Second)
	}
	if n := s.count(); n > 100 {
		t.Errorf("%d requests in twelve hours of silence", n)
	}
	s.answers(ModelReply{Text: modelAnswer, In: 1, Out: 1})
	time.Sleep(time.Until(connectors.Until(err)))
	for i := range 3 {
		if _, err := m.Generate(t.Context(), modelPrompt); err != nil {
			t.Errorf("answer %d after its return: %v", i, err)
		}
	}
	s.answers(ModelReply{Failure: ModelBroken, Message: "a hiccup"})
	if _, err := m.Generate(t.Context(), modelPrompt); !connectors.Until(err).IsZero() {
		t.Errorf("one failure after its return: %v", err)
	}
}

// A limit of the moment costs time, not the answer, and everybody waits for it.
func modelBusy(t *testing.T, m connectors.Model, s *modelStage) {
	if _, err := m.Generate(t.Context(), modelPrompt); err != nil { // whatever has to be found out first
		t.Fatal(err)
	}
	first := s.count()
	s.say = func(string) ModelReply {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.asked == first+1 {
			return ModelReply{Failure: ModelBusy, Message: "slow down"}
		}
		return ModelReply{Text: modelAnswer, In: 1, Out: 1}
	}
	start := time.Now()
	var wg sync.WaitGroup
	for i := range 3 {
		wg.Go(func() {
			time.Sleep(time.Duration(i) * 100 * time.Millisecond)
			if _, err := m.Generate(t.Context(), modelPrompt); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for i, at := range s.at[first+1:] {
		if d := at.Sub(start); d < 2*time.Second {
			t.Errorf("request %d went out after %s, within the limit of 2 s", i+1, d)
		}
	}
}

// A caller who goes away gets its own end, which is nobody's failure.
func modelInterrupted(t *testing.T, m connectors.Model, s *modelStage) {
	if _, err := m.Generate(t.Context(), modelPrompt); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	s.answers(ModelReply{Failure: ModelBroken, Message: "try later"})
	if _, err := m.Generate(ctx, modelPrompt); !connectors.Interrupted(err) {
		t.Errorf("%v", err)
	}
	s.answers(ModelReply{Text: modelAnswer, In: 1, Out: 1})
	if _, err := m.Generate(t.Context(), modelPrompt); err != nil {
		t.Errorf("the next caller: %v", err)
	}
}
