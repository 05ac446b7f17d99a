//! The arithmetic of evidence.
