"""The second frames of the offline backend, the family `offline/2`: by scenario, after slot sheets, in forms and lengths as told."""
