//! The closed lists of the rules: recipient kinds, CPNI classes, purposes, channels and the like.
//!
//! Each list is closed on purpose (P7: no "other"): what a caller sends outside of it is refused, never defaulted.

/// Declares a closed list with its stored names.
macro_rules! named_list {
    (
        $(#[$list_doc:meta])* $list:ident {
            $($(#[$doc:meta])* $member:ident = $name:literal,)+
        }
    ) => {
        $(#[$list_doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[repr(u8)]
        pub enum $list { $($(#[$doc])* #[serde(rename = $name)] $member,)+ }

        impl $list {
            /// Every member, in the order of the list.
            pub const EVERY: &'static [Self] = &[$(Self::$member,)+];

            /// The name that records, rulebooks and answers use.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$member => $name,)+ }
            }

            /// The member of that name.
            pub fn parse(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$member),)+ _ => None }
            }
        }

        impl std::fmt::Display for $list {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}

/// What stands for a whole list, where a set is written for people.
pub(in crate::domain) const ALL: &str = "all";

/// Declares a closed list with its stored names, and a set of its members as bits.
macro_rules! closed_list {
    (
        $(#[$list_doc:meta])* $list:ident, $(#[$set_doc:meta])* $set:ident {
            $($(#[$doc:meta])* $member:ident = $name:literal,)+
        }
    ) => {
        $crate::domain::vocabulary::named_list! {
            $(#[$list_doc])* $list { $($(#[$doc])* $member = $name,)+ }
        }

        $(#[$set_doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $set(u32);

        /// `"all"` or names where a person may read it, bits in views.
        impl serde::Serialize for $set {
            fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
                match (out.is_human_readable(), *self) {
                    (false, Self(bits)) => out.serialize_u32(bits),
                    (true, Self::ALL) => out.serialize_str($crate::domain::vocabulary::ALL),
                    (true, some) => out.collect_seq(some.members()),
                }
            }
        }

        impl<'de> serde::Deserialize<'de> for $set {
            fn deserialize<D: serde::Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
                #[derive(serde::Deserialize)]
                #[serde(untagged)]
                enum Given {
                    All(String),
                    Some(Vec<$list>),
                }

                if !input.is_human_readable() {
                    return <u32 as serde::Deserialize>::deserialize(input).map(Self);
                }
                match <Given as serde::Deserialize>::deserialize(input)? {
                    Given::All(all) if all == $crate::domain::vocabulary::ALL => Ok(Self::ALL),
                    Given::All(other) => Err(serde::de::Error::custom(format!(
                        "`{other}` is no list of names, and not `all`"
                    ))),
                    Given::Some(members) => Ok(members.into_iter().collect()),
                }
            }
        }

        impl $set {
            /// No member.
            pub const NONE: Self = Self(0);
            /// Every member, also those that a later release adds to the list.
            pub const ALL: Self = Self(u32::MAX);

            /// The set of one member.
            pub const fn of(member: $list) -> Self {
                Self(1 << member as u8)
            }

            /// This set and `member`.
            #[must_use]
            pub const fn with(self, member: $list) -> Self {
                Self(self.0 | 1 << member as u8)
            }

            /// This set less `member`.
            #[must_use]
            pub const fn without(self, member: $list) -> Self {
                Self(self.0 & !(1 << member as u8))
            }

            /// The members of either set.
            #[must_use]
            pub const fn union(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }

            /// Whether `member` belongs.
            pub const fn contains(self, member: $list) -> bool {
                self.0 & (1 << member as u8) != 0
            }

            /// Whether every member of `other` belongs.
            pub const fn covers(self, other: Self) -> bool {
                self.0 & other.0 == other.0
            }

            /// Whether some member belongs to both.
            pub const fn meets(self, other: Self) -> bool {
                self.0 & other.0 != 0
            }

            /// Whether no member belongs.
            pub const fn is_empty(self) -> bool {
                self.0 == 0
            }

            /// The members, in the order of the list.
            pub fn members(self) -> impl Iterator<Item = $list> {
                $list::EVERY.iter().copied().filter(move |member| self.contains(*member))
            }
        }

        impl FromIterator<$list> for $set {
            fn from_iter<I: IntoIterator<Item = $list>>(members: I) -> Self {
                members.into_iter().fold(Self::NONE, Self::with)
            }
        }
    };
}

pub(in crate::domain) use {closed_list, named_list};

closed_list! {
    /// Who uses CPNI or receives it (P3, P7, R12).
    RecipientKind,
    /// A set of recipient kinds.
    RecipientKinds {
        /// The telephone company itself.
        Company = "company",
        /// Its parent company; also an affiliate in law (47 USC 153(2)), see R12.
        Parent = "parent",
        /// An affiliate: never the company itself.
        Affiliate = "affiliate",
        /// An agent of the company.
        Agent = "agent",
        /// A joint-venture partner or independent contractor; beats "agent" where an entity is both.
        PartnerOrContractor = "partner_or_contractor",
        /// Any other third party.
        ThirdParty = "third_party",
        /// The customer.
        Customer = "customer",
        /// A contact whom the customer authorised (P9).
        AuthorizedContact = "authorized_contact",
        /// A law-enforcement or other public authority.
        LawEnforcement = "law_enforcement",
        /// Another carrier or service provider.
        Carrier = "carrier",
    }
}

closed_list! {
    /// A class of CPNI (P1; policy clause 1, 47 USC 222(h)(1), 47 CFR 64.2003).
    CpniClass,
    /// A set of CPNI classes.
    CpniClasses {
        /// How much service: lines, minutes bought.
        Quantity = "quantity",
        /// How the service is built: technical information.
        TechnicalConfiguration = "technical_configuration",
        /// Which services and features.
        Type = "type",
        /// Where calls go.
        Destination = "destination",
        /// Where the customer is when using the service.
        Location = "location",
        /// How much the service is used.
        AmountOfUse = "amount_of_use",
        /// The bill: charges, billing records.
        Billing = "billing",
        /// Single calls (number, time, place, duration): a stricter subset (R13, 64.2010).
        CallDetail = "call_detail",
        /// Whether a preferred-carrier freeze stands, and nothing else (P7, R14).
        PicFreezeStatus = "pic_freeze_status",
    }
}

closed_list! {
    /// What for (closed list of the requirements).
    Purpose,
    /// A set of purposes.
    Purposes {
        /// Marketing communications-related services.
        MarketingComms = "marketing_comms",
        /// Marketing anything else.
        MarketingOther = "marketing_other",
        /// Providing the service, trouble assistance.
        Service = "service",
        /// Billing and invoicing.
        Billing = "billing",
        /// Law or court order.
        Legal = "legal",
        /// Protecting rights and property, fraud, abuse.
        Rights = "rights",
        /// Answering a provider's PIC-freeze question.
        PicFreeze = "pic_freeze",
        /// Directory listing.
        Directory = "directory",
        /// Inside-wiring installation, maintenance, repair (64.2005(c)).
        InsideWiring = "inside_wiring",
        /// Health research by mobile providers (64.2005(c)).
        HealthResearch = "health_research",
        /// Another purpose that the customer opted in to.
        OtherApproved = "other_approved",
        /// Spotting customers who call competitors: never (64.2005(b)(2)).
        CompetitorTracking = "competitor_tracking",
    }
}

impl Purpose {
    /// Whether the purpose is marketing (P2, P7, R14).
    pub const fn is_marketing(self) -> bool {
        matches!(self, Self::MarketingComms | Self::MarketingOther)
    }
}

closed_list! {
    /// What is not CPNI (P1, policy clause 1).
    NotCpni,
    /// A set of kinds of information that are not CPNI.
    NotCpniItems {
        /// The customer's own name.
        CustomerName = "customer_name",
        /// The customer's own address.
        CustomerAddress = "customer_address",
        /// The customer's own telephone number.
        TelephoneNumber = "telephone_number",
        /// Aggregate data.
        Aggregate = "aggregate",
        /// Data that is not specific to one customer.
        NotCustomerSpecific = "not_customer_specific",
        /// Customer premises equipment.
        CustomerPremisesEquipment = "customer_premises_equipment",
        /// Internet access services.
        InternetAccess = "internet_access",
    }
}

closed_list! {
    /// How a command reached the company (P4, C1).
    Channel,
    /// A set of channels.
    Channels {
        /// A call with a person.
        Phone = "phone",
        /// An automated voice menu.
        Ivr = "ivr",
        /// The customer's web portal.
        Web = "web",
        /// The customer's mobile app.
        App = "app",
        /// E-mail.
        Email = "email",
        /// Text message.
        Text = "text",
        /// Postal mail.
        Post = "post",
        /// A shop.
        InStore = "in_store",
        /// Another internal system, on nobody's word.
        System = "system",
    }
}

closed_list! {
    /// The form of a word or a notice (64.2007(a), 64.2008).
    Medium,
    /// A set of forms.
    Media {
        /// On paper.
        Written = "written",
        /// By voice.
        Oral = "oral",
        /// Electronically.
        Electronic = "electronic",
    }
}

closed_list! {
    /// How somebody's identity was established (P11, F14, R15, R19).
    AssuranceMethod,
    /// A set of methods.
    AssuranceMethods {
        /// A password or PIN.
        Password = "password",
        /// An immediate call back to the number of record.
        CallBack = "call_back",
        /// Mail to the address of record; opens nothing live (R19).
        Mail = "mail",
        /// A log-in to the customer's online account.
        OnlineAccount = "online_account",
        /// A valid photo ID in a shop.
        PhotoId = "photo_id",
        /// A signed document.
        SignedDocument = "signed_document",
    }
}

closed_list! {
    /// Who speaks (R15).
    Speaker,
    /// A set of speakers.
    Speakers {
        /// The holder of the account.
        AccountHolder = "account_holder",
        /// The administrative contact (P10).
        AdministrativeContact = "administrative_contact",
        /// Anybody else: enough for a denial, not for a grant (P3).
        Other = "other",
    }
}
