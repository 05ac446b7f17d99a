//! The ground of a disclosure: `{"kind":"service","open":true}`. What identifies a person or a case is sealed.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::names::{Digest, Named, TextOf};
use super::said::AssuranceData;
use super::{Open, Seal};
use crate::domain::authentication::telling::Telling;
use crate::domain::disclosures::Ground;
use crate::domain::disclosures::grounds::GroundKind;
use crate::domain::ids::{EntityId, Personal, Position, Token};

const VERIFICATION_REFERENCE: &str = "verification_reference";

/// A ground by its kind, which comes first.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum GroundData {
    Approval(Approval),
    WrittenRequest(WrittenRequest),
    Legal(Legal),
    Rights(Rights),
    PicFreeze(PicFreeze),
    Directory(Directory),
    Service(Service),
    Billing(Billing),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cites: Option<u64>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrittenRequest {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    digest: Option<Digest>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Legal {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dated: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    digest: Option<Digest>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rights {
    open: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PicFreeze {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    provider: Option<Named<EntityId>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request: Option<Named<Token>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Directory {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    publisher: Option<Named<EntityId>>,
    non_published: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    open: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    verification: Option<AssuranceData>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    telling: Option<TellingData>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Billing {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    verification: Option<AssuranceData>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    telling: Option<TellingData>,
}

/// On what the customer or a contact is told, where it isn't a verification that is merely stated.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum TellingData {
    OnRecord { record: u64, cited_by_caller: bool },
    Mailed { address: Token },
}

impl<'de> Deserialize<'de> for GroundData {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_map(KindFirst)
    }
}

/// Reads the kind, then the fields of that kind from where they stand: serde's own reading of a tagged object looks
/// for the tag in a copy of all of it.
struct KindFirst;

impl<'de> Visitor<'de> for KindFirst {
    type Value = GroundData;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a ground, its kind first")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<GroundData, A::Error> {
        let is_kind = |name: &str| match name {
            "kind" => Ok(()),
            _ => Err(format!("a ground's kind comes first, not `{name}`")),
        };
        if map.next_key_seed(TextOf(is_kind))?.is_none() {
            return Err(A::Error::missing_field("kind"));
        }
        let named = |name: &str| {
            GroundKind::parse(name).ok_or_else(|| format!("`{name}` is no ground of this release"))
        };
        let kind = map.next_value_seed(TextOf(named))?;
        let rest = MapAccessDeserializer::new(map);
        Ok(match kind {
            GroundKind::Approval => GroundData::Approval(Approval::deserialize(rest)?),
            GroundKind::WrittenRequest => {
                GroundData::WrittenRequest(WrittenRequest::deserialize(rest)?)
            }
            GroundKind::Legal => GroundData::Legal(Legal::deserialize(rest)?),
            GroundKind::Rights => GroundData::Rights(Rights::deserialize(rest)?),
            GroundKind::PicFreeze => GroundData::PicFreeze(PicFreeze::deserialize(rest)?),
            GroundKind::Directory => GroundData::Directory(Directory::deserialize(rest)?),
            GroundKind::Service => GroundData::Service(Service::deserialize(rest)?),
            GroundKind::Billing => GroundData::Billing(Billing::deserialize(rest)?),
        })
    }
}

impl GroundData {
    pub fn new(ground: &Ground, seal: Seal<'_>) -> Self {
        let mut sealed = |name: &'static str, text: &Option<Personal>| {
            if let Some(text) = text {
                seal(name, text);
            }
        };
        match ground {
            Ground::Approval { cites } => Self::Approval(Approval {
                cites: cites.map(|cited| cited.0),
            }),
            Ground::WrittenRequest { digest } => Self::WrittenRequest(WrittenRequest {
                digest: digest.map(Digest),
            }),
            Ground::Legal {
                authority,
                reference,
                dated,
                digest,
            } => {
                sealed("authority", authority);
                sealed("reference", reference);
                Self::Legal(Legal {
                    dated: dated.clone(),
                    digest: digest.map(Digest),
                })
            }
            Ground::Rights {
                case,
                open,
                protected_party,
            } => {
                sealed("case", case);
                sealed("protected_party", protected_party);
                Self::Rights(Rights { open: *open })
            }
            Ground::PicFreeze { provider, request } => Self::PicFreeze(PicFreeze {
                provider: provider.clone().map(Named),
                request: request.map(Named),
            }),
            Ground::Directory {
                publisher,
                non_published,
            } => Self::Directory(Directory {
                publisher: publisher.clone().map(Named),
                non_published: *non_published,
            }),
            Ground::Service {
                ticket,
                open,
                verification,
            } => {
                sealed("ticket", ticket);
                Self::Service(Service {
                    open: *open,
                    verification: stated(verification, seal),
                    telling: telling(verification),
                })
            }
            Ground::Billing {
                invoice,
                verification,
            } => {
                sealed("invoice", invoice);
                Self::Billing(Billing {
                    verification: stated(verification, seal),
                    telling: telling(verification),
                })
            }
        }
    }

    pub fn ground(self, open: Open<'_>) -> Ground {
        match self {
            Self::Approval(data) => Ground::Approval {
                cites: data.cites.map(Position),
            },
            Self::WrittenRequest(data) => Ground::WrittenRequest {
                digest: data.digest.map(|digest| digest.0),
            },
            Self::Legal(data) => Ground::Legal {
                authority: open("authority"),
                reference: open("reference"),
                dated: data.dated,
                digest: data.digest.map(|digest| digest.0),
            },
            Self::Rights(data) => Ground::Rights {
                case: open("case"),
                open: data.open,
                protected_party: open("protected_party"),
            },
            Self::PicFreeze(data) => Ground::PicFreeze {
                provider: data.provider.map(|provider| provider.0),
                request: data.request.map(|request| request.0),
            },
            Self::Directory(data) => Ground::Directory {
                publisher: data.publisher.map(|publisher| publisher.0),
                non_published: data.non_published,
            },
            Self::Service(data) => Ground::Service {
                ticket: open("ticket"),
                open: data.open,
                verification: read_telling(data.verification, data.telling, open),
            },
            Self::Billing(data) => Ground::Billing {
                invoice: open("invoice"),
                verification: read_telling(data.verification, data.telling, open),
            },
        }
    }
}

fn stated(telling: &Option<Telling>, seal: Seal<'_>) -> Option<AssuranceData> {
    match telling {
        Some(Telling::Stated(assurance)) => {
            Some(AssuranceData::new(assurance, VERIFICATION_REFERENCE, seal))
        }
        _ => None,
    }
}

fn telling(telling: &Option<Telling>) -> Option<TellingData> {
    match telling {
        Some(Telling::OnRecord {
            record,
            cited_by_caller,
        }) => Some(TellingData::OnRecord {
            record: record.0,
            cited_by_caller: *cited_by_caller,
        }),
        Some(Telling::Mailed { address }) => Some(TellingData::Mailed { address: *address }),
        _ => None,
    }
}

fn read_telling(
    stated: Option<AssuranceData>,
    telling: Option<TellingData>,
    open: Open<'_>,
) -> Option<Telling> {
    match telling {
        Some(TellingData::OnRecord {
            record,
            cited_by_caller,
        }) => Some(Telling::OnRecord {
            record: Position(record),
            cited_by_caller,
        }),
        Some(TellingData::Mailed { address }) => Some(Telling::Mailed { address }),
        None => stated.map(|data| Telling::Stated(data.assurance(VERIFICATION_REFERENCE, open))),
    }
}
