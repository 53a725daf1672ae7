// What the precompiled header of all test programs belongs to.
