package fitness

import "fmt"

// sports are the FIT profile's sports (its enum sport, without all, which stands
// for none in particular).
var sports = func() map[string]string {
	m := make(map[string]string)
	for _, s := range []string{
		"generic", "running", "cycling", "transition", "fitness_equipment", "swimming", "basketball", "soccer", "tennis",
		"american_football", "training", "walking", "cross_country_skiing", "alpine_skiing", "snowboarding", "rowing",
		"mountaineering", "hiking", "multisport", "paddling", "flying", "e_biking", "motorcycling", "boating", "driving", "golf",
		"hang_gliding", "horseback_riding", "hunting", "fishing", "inline_skating", "rock_climbing", "sailing", "ice_skating",
		"sky_diving", "snowshoeing", "snowmobiling", "stand_up_paddleboarding", "surfing", "wakeboarding", "water_skiing",
		"kayaking", "rafting", "windsurfing", "kitesurfing", "tactical", "jumpmaster", "boxing", "floor_climbing", "baseball",
		"diving", "hiit", "racket", "wheelchair_push_walk", "wheelchair_push_run", "meditation", "disc_golf", "cricket", "rugby",
		"hockey", "lacrosse", "volleyball", "water_tubing", "wakesurfing", "mixed_martial_arts", "snorkeling", "dance", "jump_rope",
	} {
		m[s] = s
	}
	return m
}()

// meant is what people write for a sport, as it is called.
var meant = map[string]string{
	"run": "running", "walk": "walking", "hike": "hiking", "swim": "swimming", "row": "rowing", "ride": "cycling",
	"bike": "cycling", "biking": "cycling", "ski": "alpine_skiing", "other": "generic", "workout": "training",
	"yoga": "training", "pilates": "training", "strength_training": "training", "treadmill": "running", "trail_running": "running",
	"indoor_cycling": "cycling", "mountain_biking": "cycling", "open_water": "swimming",
}

// ValidSport reports whether s is one of the FIT profile's sports, such as running
// or stand_up_paddleboarding; generic is for what is none of the others.
func ValidSport(s string) bool { return sports[s] != "" }

// SportName is string(b), without an allocation where that is a sport's name.
func SportName(b []byte) string {
	if s := sports[string(b)]; s != "" {
		return s
	}
	return string(b)
}

// NoSport returns the sentence about a value of the field that is no sport, else
// "".
func NoSport(field, s string) string {
	if ValidSport(s) {
		return ""
	}
	if m := meant[s]; m != "" {
		return fmt.Sprintf("%s %.40q is not a sport of the FIT profile: write %s", field, s, m)
	}
	return fmt.Sprintf("%s %.40q is not a sport of the FIT profile, such as running, cycling, or generic", field, s)
}
