package twostage

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // the two formats that screenshots come in
	_ "image/png"
	"io"
	"os"

	"github.com/intentd/intentd/connectors"
)

// Bounds of a screenshot. A picture is decoded before it is sent, and a small file can claim to be a huge picture.
const (
	screenshotBytes  = 4 << 20
	screenshotPixels = 16_000_000
)

// screenshot reads the named picture below root. The name comes from an event; os.Root lets no name, link or device lead out of the
// directory.
func screenshot(root *os.Root, name string) (*connectors.Image, error) {
	// Asked before it is opened, because opening a pipe would wait for its writer.
	if st, err := root.Stat(name); err != nil {
		return nil, fmt.Errorf("intent: find screenshot: %w", err)
	} else if !st.Mode().IsRegular() {
		return nil, errors.New("intent: screenshot is not a regular file")
	}
	f, err := root.Open(name)
	if err != nil {
		return nil, fmt.Errorf("intent: open screenshot: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, screenshotBytes+1))
	if err != nil {
		return nil, fmt.Errorf("intent: read screenshot: %w", err)
	}
	if len(data) > screenshotBytes {
		return nil, fmt.Errorf("intent: screenshot is larger than %d bytes", screenshotBytes)
	}
	c, format, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("intent: screenshot is no picture: %w", err)
	}
	if format != "png" && format != "jpeg" {
		return nil, fmt.Errorf("intent: screenshot is %s, neither PNG nor JPEG", format)
	}
	if c.Width <= 0 || c.Height <= 0 || c.Width > screenshotPixels/c.Height {
		return nil, fmt.Errorf("intent: screenshot of %d × %d pixels is too large", c.Width, c.Height)
	}
	if _, _, err := image.Decode(bytes.NewReader(data)); err != nil {
		return nil, fmt.Errorf("intent: screenshot is broken: %w", err)
	}
	return &connectors.Image{MIME: "image/" + format, Data: data}, nil
}

// pictureName identifies a picture by its content.
func pictureName(img *connectors.Image) string {
	sum := sha256.Sum256(img.Data)
	return hex.EncodeToString(sum[:8])
}
