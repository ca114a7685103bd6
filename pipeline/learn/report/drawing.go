package report

import (
	"fmt"
	"html"
	"html/template"
	"strings"

	"github.com/intentd/intentd/pipeline/learn/measure"
)

const (
	colours = 8 // that the style sheet knows
	left    = 56.0
	below   = 48.0
	above   = 12.0
	right   = 24.0
)

// size of a drawing, in its own units.
type size struct{ w, h float64 }

var (
	square = size{460, 420}
	wide   = size{940, 340}
)

func colour(i int) string { return fmt.Sprintf("c%d", i%colours) }

// f formats a text.
func f(format string, args ...any) string { return fmt.Sprintf(format, args...) }

// drawing is an SVG under way. What is told of a mark stands in its title, which browsers show.
type drawing struct {
	size
	b strings.Builder
}

func newDrawing(s size, told string) *drawing {
	d := &drawing{size: s}
	d.add(`<svg viewBox="0 0 %g %g" role="img" aria-label="%s" xmlns="http://www.w3.org/2000/svg">`, s.w, s.h, html.EscapeString(told))
	return d
}

func (d *drawing) add(format string, args ...any) { fmt.Fprintf(&d.b, format, args...) }

func (d *drawing) text(class, anchor string, x, y float64, s string) {
	d.add(`<text class="%s" text-anchor="%s" x="%.1f" y="%.1f">%s</text>`, class, anchor, x, y, html.EscapeString(s))
}

func (d *drawing) html() template.HTML {
	d.add(`</svg>`)
	return template.HTML(d.b.String()) //nolint:gosec // every text was escaped
}

// share is a value of 0 to 1 as an axis tells it.
func share(x, most float64) string {
	if most < 0.1 {
		return f("%.1f %%", 100*x)
	}
	return f("%.0f %%", 100*x)
}

// grid draws the lines of the upward axis, which goes to most.
func (d *drawing) grid(most float64) {
	for i := range 6 {
		y := d.h - below - float64(i)/5*(d.h-below-above)
		d.add(`<line class="grid" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>`, left, y, d.w-right, y)
		d.text("tick", "end", left-6, y+4, share(most*float64(i)/5, most))
	}
}

// plot is a drawing with two axes of shares.
type plot struct {
	*drawing
	mostX, mostY float64
}

func (d *drawing) plot(mostX, mostY float64, across, up string) *plot {
	d.grid(mostY)
	p := &plot{d, mostX, mostY}
	for i := range 6 {
		x, _ := p.at(mostX*float64(i)/5, 0)
		d.text("tick", "middle", x, d.h-below+18, share(mostX*float64(i)/5, mostX))
	}
	d.text("axis", "middle", (left+d.w-right)/2, d.h-8, across)
	d.add(`<text class="axis" text-anchor="middle" transform="translate(12 %.1f) rotate(-90)">%s</text>`, (d.h-below+above)/2, html.EscapeString(up))
	return p
}

func (p *plot) at(x, y float64) (float64, float64) {
	return left + min(x/p.mostX, 1)*(p.w-left-right), p.h - below - min(y/p.mostY, 1)*(p.h-below-above)
}

func (p *plot) line(class, told string, points []measure.Point) {
	var path strings.Builder
	for i, q := range points {
		x, y := p.at(q.X, q.Y)
		fmt.Fprintf(&path, "%s%.1f %.1f", [2]string{"L", "M"}[b2i(i == 0)], x, y)
	}
	p.add(`<path class="line %s" d="%s"><title>%s</title></path>`, class, path.String(), html.EscapeString(told))
}

func (p *plot) dot(class, told string, x float64, y measure.Interval) {
	cx, cy := p.at(x, y.Value)
	_, low := p.at(x, y.Low)
	_, high := p.at(x, y.High)
	p.add(`<g class="%s"><title>%s</title><line class="limit" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/><circle cx="%.1f" cy="%.1f" r="4"/></g>`,
		class, html.EscapeString(told), cx, low, cx, high, cx, cy)
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// bars are groups of bars with their limits, over a line at what all together have.
type bars struct {
	*drawing
	most, base float64
	groups     []barGroup
}

type barGroup struct {
	name string
	bars []bar
}

type bar struct {
	class, told string
	of          measure.Interval
}

func newBars(s size, told string, most, base float64) *bars {
	b := &bars{drawing: newDrawing(s, told), most: most, base: base}
	b.grid(most)
	return b
}

func (b *bars) group(name string) { b.groups = append(b.groups, barGroup{name: name}) }

func (b *bars) bar(class, told string, of measure.Interval) {
	g := &b.groups[len(b.groups)-1]
	g.bars = append(g.bars, bar{class, told, of})
}

func (b *bars) y(v float64) float64 { return b.h - below - min(v/b.most, 1)*(b.h-below-above) }

func (b *bars) html() template.HTML {
	room := (b.w - left - right) / float64(max(len(b.groups), 1))
	for i, g := range b.groups {
		from := left + float64(i)*room
		each := min(room*0.8/float64(max(len(g.bars), 1)), 90)
		from += (room*0.8 - each*float64(len(g.bars))) / 2
		for k, bar := range g.bars {
			x := from + room*0.1 + float64(k)*each
			middle := x + each*0.425
			b.add(`<g class="%s"><title>%s</title><rect x="%.1f" y="%.1f" width="%.1f" height="%.1f"/><line class="limit" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/></g>`,
				bar.class, html.EscapeString(bar.told), x, b.y(bar.of.Value), each*0.85, max(0, b.h-below-b.y(bar.of.Value)), middle, b.y(bar.of.Low), middle, b.y(bar.of.High))
		}
		b.text("tick", "middle", left+(float64(i)+0.5)*room, b.h-below+18, g.name)
	}
	b.add(`<line class="guide" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"><title>all together: %s</title></line>`, left, b.y(b.base), b.w-right, b.y(b.base), share(b.base, 0))
	b.text("axis", "middle", (left+b.w-right)/2, b.h-8, "won, with 95 % limits; the dashed line is what all together have")
	return b.drawing.html()
}
