package recording

import "strings"

// sports maps what TCX and GPX files call a sport to FIT's word for it. The
// numbers are the activity types that some exports write into <type>.
var sports = map[string]string{
	"running": "running", "run": "running", "trail_running": "running", "treadmill_running": "running", "9": "running",
	"biking": "cycling", "cycling": "cycling", "ride": "cycling", "road_biking": "cycling", "mountain_biking": "cycling", "virtualride": "cycling", "1": "cycling",
	"swimming": "swimming", "swim": "swimming", "open_water_swimming": "swimming", "lap_swimming": "swimming",
	"walking": "walking", "walk": "walking", "10": "walking",
	"hiking": "hiking", "hike": "hiking", "4": "hiking",
	"rowing": "rowing", "row": "rowing", "indoor_rowing": "rowing",
	"transition": "transition", "multisport": "multisport",
	"training": "training", "strength_training": "training", "workout": "training",
}

// sportName gives FIT's word for a sport, or generic.
func sportName(s string) string {
	key := strings.ToLower(strings.NewReplacer(" ", "_", "-", "_").Replace(strings.TrimSpace(s)))
	if name, ok := sports[key]; ok {
		return name
	}
	return generic
}
