//! Where blocks become durable.
