//! Areas of the rules whose events are stored as their own JSON.
//!
//! Such an event derives serde and refuses unknown fields; what is personal in it is skipped there and sealed here. The
//! golden lines hold its stored form: a changed struct is a new type.

/// The stored form of an area's events: `Variant = "type.name.v1"`, and in brackets the fields that are sealed.
///
/// Makes `KINDS`, `encode` and `decode` in the module where it stands; `decode` gives `None` for another area's type.
macro_rules! stored_events {
    ($event:ident { $($variant:ident = $kind:literal $([$($field:ident),+])?,)+ }) => {
        /// The area's event types, in the order of their numbers: append only.
        pub const KINDS: &[&str] = &[$($kind,)+];

        /// The stored form; personal fields go to `seal`.
        ///
        /// # Errors
        /// When the event can't be written as JSON.
        pub fn encode(
            event: &$event,
            seal: $crate::codec::Seal<'_>,
        ) -> Result<$crate::codec::Encoded, $crate::codec::EncodeError> {
            let (kind, data) = match event {
                $($event::$variant(event) => {
                    $($(if let Some(text) = &event.$field {
                        seal(stringify!($field), text);
                    })+)?
                    ($kind, $crate::codec::json(event)?)
                })+
            };
            // An area without sealed fields has nothing for it.
            let _ = seal;
            Ok($crate::codec::Encoded { kind, data })
        }

        /// The event that `data` of type `kind` hold; `None` when the type is not of this area.
        ///
        /// # Errors
        /// When the data are not of the type's shape.
        pub fn decode(
            kind: &str,
            data: &str,
            open: $crate::codec::Open<'_>,
        ) -> Option<Result<$event, $crate::codec::DecodeError>> {
            // An area without sealed fields has nothing for it.
            let _ = open;
            Some(match kind {
                $($kind => $crate::codec::parse(kind, data).map(|event| {
                    #[allow(unused_mut, reason = "only sealed fields are put back")]
                    let mut event = $event::$variant(event);
                    $(
                        #[allow(irrefutable_let_patterns, reason = "an area may have one type")]
                        if let $event::$variant(event) = &mut event {
                            $(event.$field = open(stringify!($field));)+
                        }
                    )?
                    event
                }),)+
                _ => return None,
            })
        }
    };
}

/// The event that the first area that knows the type makes of it; returns from the function where it stands.
macro_rules! decode_by_area {
    ($kind:expr, $data:expr, $open:expr; $($area:ident => $wrap:path,)+) => {{
        $(if let Some(event) = $area::decode($kind, $data, $open) {
            return event.map($wrap);
        })+
        Err($crate::codec::DecodeError::UnknownType($kind.to_owned()))
    }};
}

pub(super) use {decode_by_area, stored_events};
