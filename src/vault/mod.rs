//! What must be erasable.
