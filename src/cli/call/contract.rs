//! The contract as it is compiled in: its methods by name, and what its comments say.

use std::collections::{BTreeSet, HashMap};

use prost_reflect::{
    DescriptorError, DescriptorPool, EnumDescriptor, FieldDescriptor, FileDescriptor, Kind,
    MessageDescriptor, MethodDescriptor, ServiceDescriptor,
};

use crate::proto::DESCRIPTORS;

const PACKAGE: &str = "consent.v1";

/// The compiled contract.
pub struct Contract {
    pool: DescriptorPool,
    /// What stands before a definition, by file and path within it (descriptor.proto's `SourceCodeInfo`).
    comments: HashMap<(String, Vec<i32>), String>,
}

impl Contract {
    /// Reads what this program was built with.
    ///
    /// # Errors
    /// When it can't be read, which is a defect of this program.
    pub fn compiled() -> Result<Self, DescriptorError> {
        let pool = DescriptorPool::decode(DESCRIPTORS)?;
        let mut comments = HashMap::new();
        for file in pool.files() {
            let source = file.file_descriptor_proto().source_code_info.clone();
            for location in source.unwrap_or_default().location {
                if let Some(comment) = location.leading_comments {
                    comments.insert((file.name().to_owned(), location.path), tidy(&comment));
                }
            }
        }
        Ok(Self { pool, comments })
    }

    /// The services, in the order of their names.
    pub fn services(&self) -> Vec<ServiceDescriptor> {
        let ours = self.pool.services();
        let mut ours: Vec<_> = ours
            .filter(|service| service.package_name() == PACKAGE)
            .collect();
        ours.sort_by(|one, other| one.name().cmp(other.name()));
        ours
    }

    /// The method of that name: `RecordBreach`, `IncidentService.RecordBreach`, or as gRPC writes it.
    pub fn method(&self, named: &str) -> Option<MethodDescriptor> {
        let (service, name) = match named.rsplit_once(['.', '/']) {
            Some((service, name)) => (Some(service), name),
            None => (None, named),
        };
        let services = self.services().into_iter().filter(|one| {
            service.is_none_or(|service| service == one.name() || service == one.full_name())
        });
        services
            .flat_map(|service| service.methods().collect::<Vec<_>>())
            .find(|method| method.name() == name)
    }

    /// What is said of a service.
    pub fn of_service(&self, service: &ServiceDescriptor) -> &str {
        self.comment(&service.parent_file(), service.path())
    }

    /// What is said of a method.
    pub fn of_method(&self, method: &MethodDescriptor) -> &str {
        self.comment(&method.parent_service().parent_file(), method.path())
    }

    fn comment(&self, file: &FileDescriptor, path: &[i32]) -> &str {
        let at = (file.name().to_owned(), path.to_vec());
        self.comments.get(&at).map_or("", String::as_str)
    }

    /// A method in full: what it is for, what it takes and what it answers, each message and enumeration once.
    pub fn described(&self, method: &MethodDescriptor) -> String {
        let (input, output) = (method.input(), method.output());
        let (service, name) = (method.parent_service(), method.name());
        let (takes, answers) = (input.name(), output.name());
        let taken = stream(method.is_client_streaming());
        let answered = stream(method.is_server_streaming());
        let mut pages = vec![format!(
            "{}.{name} takes {taken}{takes} and answers with {answered}{answers}\n{}",
            service.name(),
            indented(self.of_method(method), 4)
        )];
        let mut known = BTreeSet::new();
        for message in [input, output] {
            self.describe(&message, &mut known, &mut pages);
        }
        pages.join("\n")
    }

    fn describe(
        &self,
        message: &MessageDescriptor,
        known: &mut BTreeSet<String>,
        pages: &mut Vec<String>,
    ) {
        if !known.insert(message.full_name().to_owned()) {
            return;
        }
        let said = self.comment(&message.parent_file(), message.path());
        let fields = message.fields().map(|field| self.field(&field));
        let fields: String = fields.collect();
        let said = indented(said, 4);
        pages.push(format!("{}\n{said}{fields}", message.name()));
        for field in message.fields() {
            match field.kind() {
                Kind::Message(inner) if is_ours(&inner) => self.describe(&inner, known, pages),
                Kind::Enum(values) => self.describe_values(&values, known, pages),
                _ => {}
            }
        }
    }

    fn field(&self, field: &FieldDescriptor) -> String {
        let said = self.comment(&field.parent_message().parent_file(), field.path());
        let one_of = field.containing_oneof();
        let one_of = one_of.filter(|one| !one.is_synthetic());
        let one_of = one_of.map_or(String::new(), |one| format!(", one of `{}`", one.name()));
        let (name, kind) = (field.name(), kind(field));
        format!("  {name}: {kind}{one_of}\n{}", indented(said, 6))
    }

    fn describe_values(
        &self,
        values: &EnumDescriptor,
        known: &mut BTreeSet<String>,
        pages: &mut Vec<String>,
    ) {
        if !known.insert(values.full_name().to_owned()) {
            return;
        }
        let file = values.parent_file();
        let said = indented(self.comment(&file, values.path()), 4);
        let listed: String = (values.values())
            .map(|value| {
                let said = indented(self.comment(&file, value.path()), 6);
                format!("  {}\n{said}", value.name())
            })
            .collect();
        pages.push(format!("{}\n{said}{listed}", values.name()));
    }
}

/// Whether a message is described: the well-known ones have a form in JSON that everybody knows.
pub fn is_ours(message: &MessageDescriptor) -> bool {
    message.package_name() != "google.protobuf"
}

/// The type of a field, as its values are written in JSON.
fn kind(field: &FieldDescriptor) -> String {
    let one = match field.kind() {
        Kind::Message(inner) if inner.full_name() == "google.protobuf.Timestamp" => {
            "instant such as \"2026-03-02T11:00:00Z\"".to_owned()
        }
        Kind::Message(inner) => inner.name().to_owned(),
        Kind::Enum(values) => values.name().to_owned(),
        Kind::Bytes => "bytes in base64".to_owned(),
        Kind::String => "text".to_owned(),
        Kind::Bool => "true or false".to_owned(),
        _ => "number".to_owned(),
    };
    match field.is_list() {
        true => format!("list of {one}"),
        false => one,
    }
}

fn stream(streams: bool) -> &'static str {
    if streams { "a stream of " } else { "" }
}

/// A comment without the space that follows its slashes.
fn tidy(comment: &str) -> String {
    let lines = comment.trim_end().lines();
    let lines: Vec<_> = lines
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .collect();
    lines.join("\n")
}

fn indented(text: &str, by: usize) -> String {
    let line = |line: &str| format!("{:by$}{line}\n", "");
    text.lines().map(line).collect()
}
