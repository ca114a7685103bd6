package identity

import "strings"

// phone is the one form of a phone number: E.164 where a country code is told or home is known, else its digits as they were
// written; "" if it identifies nobody. Numbers with an extension or a word are a switchboard's, not one person's.
//
// The table of regions stands in for a full numbering library: numbers are compared, never dialled, so that their validity, which
// takes megabytes of rules, is of no account.
func phone(s string, home *region) string {
	if len(s) > maxLength {
		return ""
	}
	s = strings.Trim(visible(s), quotes+" ")
	if i := strings.IndexByte(s, ':'); i >= 0 && (strings.EqualFold(s[:i], "tel") || strings.EqualFold(s[:i], "callto") || strings.EqualFold(s[:i], "sms")) {
		s = s[i+1:]
	}
	if rest, ok := strings.CutPrefix(s, "%2B"); ok {
		s = "+" + rest
	}
	digits, international, ok := digitsOf(s)
	if !ok || len(digits) < 5 { // an extension
		return ""
	}
	switch exit := home.exit(); {
	case international:
	case exit != "" && strings.HasPrefix(digits, exit) && len(digits) > len(exit)+9:
		digits, international = digits[len(exit):], true
	case strings.HasPrefix(digits, "00"): // the exit code of most of the world, understood without a region, too
		digits, international = digits[2:], true
	case home != nil:
		if nobodysNumber(digits) {
			return ""
		}
		digits, international = home.international(digits), true
	}
	// E.164 allows 15 digits.
	if len(digits) < 5 || len(digits) > 15 || nobodysNumber(digits) || international && digits[0] == '0' {
		return ""
	}
	if international {
		return "+" + digits
	}
	return digits
}

// digitsOf takes the signs between the digits out. A "(0)" behind a country code is left out: it is dialled within the country only.
func digitsOf(s string) (digits string, international, ok bool) {
	s = strings.TrimSpace(s)
	s = strings.Replace(s, "＋", "+", 1)
	if strings.HasPrefix(s, "+") || strings.HasPrefix(s, "00") {
		s = strings.Replace(s, "(0)", "", 1)
	}
	b := make([]byte, 0, len(s))
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9':
			b = append(b, byte(r))
		case r >= '０' && r <= '９': // full-width
			b = append(b, byte(r-'０')+'0')
		case r == '+' && len(b) == 0 && !international:
			international = true
		case strings.ContainsRune(" ()-./‐‑‒–—−\t", r):
		default:
			return "", false, false
		}
	}
	return string(b), international, true
}

// nobodysNumber says whether the digits are ones that people type to fill a field.
func nobodysNumber(digits string) bool {
	if strings.Trim(digits, digits[:1]) == "" {
		return true
	}
	const up = "01234567890123456789"
	return len(digits) >= 7 && strings.Contains(up, digits) || len(digits) >= 5 && strings.Trim(digits, "0") == ""
}

// region is how a country's numbers are written at home.
type region struct {
	code  string // country calling code
	trunk string // dialled before a number within the country, and not part of it
	out   string // dialled before a country code, where that is not 00
}

func (r *region) exit() string {
	if r == nil {
		return ""
	}
	return r.out
}

// international is the number with its country code, without the plus. Where no trunk prefix is told apart (Italy, Spain) the
// number is kept whole.
func (r *region) international(digits string) string {
	if r.trunk != "" {
		digits = strings.TrimPrefix(digits, r.trunk)
	}
	return r.code + digits
}

// regions holds "country code trunk exit" of ITU-T E.164's list of assigned country codes and E.129's prefixes; a dash stands for
// none, 00 for the exit code that needs no telling.
var regions = func() map[string]*region {
	all := map[string]*region{}
	for line := range strings.Lines(regionTable) {
		f := strings.Fields(line)
		if len(f) < 3 {
			continue
		}
		r := &region{code: f[0], trunk: strings.Trim(f[1], "-")}
		if f[2] != "00" {
			r.out = f[2]
		}
		for _, name := range f[3:] {
			all[name] = r
		}
	}
	return all
}()

func regionNamed(name string) (*region, bool) {
	name = strings.ToUpper(strings.TrimSpace(name))
	if name == "UK" {
		name = "GB"
	}
	r, ok := regions[name]
	return r, ok
}

const regionTable = `
1 1 011 US CA PR AG AI BB BM BS DM DO GD GU JM KN KY LC MP MS SX TC TT VC VG VI AS
7 8 810 RU KZ
20 0 00 EG
27 0 00 ZA
30 - 00 GR
31 0 00 NL
32 0 00 BE
33 0 00 FR
34 - 00 ES
36 06 00 HU
39 - 00 IT VA
40 0 00 RO
41 0 00 CH
43 0 00 AT
44 0 00 GB GG IM JE
45 - 00 DK
46 0 00 SE
47 - 00 NO SJ
48 - 00 PL
49 0 00 DE
51 0 00 PE
52 - 00 MX
53 0 119 CU
54 0 00 AR
55 0 00 BR
56 - 00 CL
57 - 00 CO
58 0 00 VE
60 0 00 MY
61 0 0011 AU
62 0 001 ID
63 0 00 PH
64 0 00 NZ
65 - 000 SG
66 0 001 TH
81 0 010 JP
82 0 001 KR
84 0 00 VN
86 0 00 CN
90 0 00 TR
91 0 00 IN
92 0 00 PK
93 0 00 AF
94 0 00 LK
95 0 00 MM
98 0 00 IR
211 0 00 SS
212 0 00 MA EH
213 0 00 DZ
216 - 00 TN
218 0 00 LY
220 - 00 GM
221 - 00 SN
222 - 00 MR
223 - 00 ML
224 - 00 GN
225 - 00 CI
226 - 00 BF
227 - 00 NE
228 - 00 TG
229 - 00 BJ
230 - 00 MU
231 0 00 LR
232 0 00 SL
233 0 00 GH
234 0 009 NG
235 - 00 TD
236 - 00 CF
237 - 00 CM
238 - 0 CV
239 - 00 ST
240 - 00 GQ
241 - 00 GA
242 - 00 CG
243 0 00 CD
244 - 00 AO
245 - 00 GW
248 - 00 SC
249 0 00 SD
250 0 00 RW
251 0 00 ET
252 0 00 SO
253 - 00 DJ
254 0 000 KE
255 0 000 TZ
256 0 000 UG
257 - 00 BI
258 - 00 MZ
260 0 00 ZM
261 0 00 MG
262 0 00 RE YT
263 0 00 ZW
264 0 00 NA
265 0 00 MW
266 - 00 LS
267 - 00 BW
268 - 00 SZ
269 - 00 KM
291 0 00 ER
297 - 00 AW
298 - 00 FO
299 - 00 GL
350 - 00 GI
351 - 00 PT
352 - 00 LU
353 0 00 IE
354 - 00 IS
355 0 00 AL
356 - 00 MT
357 - 00 CY
358 0 00 FI AX
359 0 00 BG
370 0 00 LT
371 - 00 LV
372 - 00 EE
373 0 00 MD
374 0 00 AM
375 80 810 BY
376 - 00 AD
377 - 00 MC
378 - 00 SM
380 0 00 UA
381 0 00 RS
382 0 00 ME
383 0 00 XK
385 0 00 HR
386 0 00 SI
387 0 00 BA
389 0 00 MK
420 - 00 CZ
421 0 00 SK
423 - 00 LI
500 - 00 FK
501 - 00 BZ
502 - 00 GT
503 - 00 SV
504 - 00 HN
505 - 00 NI
506 - 00 CR
507 - 00 PA
509 - 00 HT
590 0 00 GP BL MF
591 0 00 BO
592 - 001 GY
593 0 00 EC
594 0 00 GF
595 0 00 PY
596 0 00 MQ
597 - 00 SR
598 0 00 UY
599 - 00 CW BQ
673 - 00 BN
675 - 00 PG
679 - 00 FJ
852 - 001 HK
853 - 00 MO
855 0 001 KH
856 0 00 LA
880 0 00 BD
886 0 002 TW
960 - 00 MV
961 0 00 LB
962 0 00 JO
963 0 00 SY
964 0 00 IQ
965 - 00 KW
966 0 00 SA
967 0 00 YE
968 - 00 OM
970 0 00 PS
971 0 00 AE
972 0 00 IL
973 - 00 BH
974 - 00 QA
975 - 00 BT
976 0 001 MN
977 0 00 NP
992 - 810 TJ
993 8 810 TM
994 0 00 AZ
995 0 00 GE
996 0 00 KG
998 - 00 UZ
`
