package score

import (
	"math"
	"strconv"
)

// Tenths rounds x to tenths, half away from zero: 14.25 is 143 and −14.25 is −143. A value beyond an int32 is cut to it and
// NaN is 0.
func Tenths(x float64) int {
	if x != x {
		return 0
	}
	return int(math.Round(min(max(x*10, math.MinInt32), math.MaxInt32)))
}

// divide is a/b rounded half away from zero; b is positive.
func divide(a, b int) int {
	if a < 0 {
		return -((-a + b/2) / b)
	}
	return (a + b/2) / b
}

// FormatTenths writes tenths with one decimal: 644 is "64.4", 1000 is "100.0".
func FormatTenths(tenths int) string {
	var buf [24]byte
	b := buf[:0]
	if tenths < 0 {
		b = append(b, '-')
		tenths = -tenths
	}
	b = strconv.AppendInt(b, int64(tenths/10), 10)
	b = append(b, '.', byte('0'+tenths%10))
	return string(b)
}
