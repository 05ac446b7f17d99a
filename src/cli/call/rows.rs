//! Answers as rows for a spreadsheet: the members of the one list that they hold.

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde_json::Value;

use super::contract::is_ours;
use crate::cli::output::Table;

/// The list that answers of that type hold: the only one of messages.
pub fn list_of(answers: &MessageDescriptor) -> Option<FieldDescriptor> {
    let mut lists = answers.fields().filter(|field| {
        field.is_list() && matches!(field.kind(), Kind::Message(_)) && !field.is_map()
    });
    let list = lists.next()?;
    lists.next().is_none().then_some(list)
}

/// The members of that list in all answers: a row each, and a column for each value that a member may hold, in the order of
/// the contract, named by its path. What an answer says beside its list, such as the position up to which it holds, follows
/// in each row as `answer.…`.
pub fn table(list: &FieldDescriptor, answers: &[Value]) -> Table {
    let (mut columns, mut beside) = (Vec::new(), Vec::new());
    if let Kind::Message(member) = list.kind() {
        collect(&member, &mut Vec::new(), &mut columns);
    }
    collect(list.parent_message(), &mut Vec::new(), &mut beside);
    beside.retain(|path| path.first().is_none_or(|first| first != list.name()));
    let rows = answers.iter().flat_map(|answer| {
        let members = answer.get(list.name()).and_then(Value::as_array);
        members.into_iter().flatten().map(|member| {
            let of_member = columns.iter().map(|path| value(member, path));
            of_member
                .chain(beside.iter().map(|path| value(answer, path)))
                .collect()
        })
    });
    let rows = rows.collect();
    let names = columns.iter().map(|path| path.join("."));
    let names = names.chain(
        beside
            .iter()
            .map(|path| format!("answer.{}", path.join("."))),
    );
    Table::of(&names.collect::<Vec<_>>(), rows)
}

fn collect(message: &MessageDescriptor, path: &mut Vec<String>, columns: &mut Vec<Vec<String>>) {
    for field in message.fields() {
        path.push(field.name().to_owned());
        match field.kind() {
            Kind::Message(inner) if is_ours(&inner) && !field.is_list() => {
                collect(&inner, path, columns);
            }
            _ => columns.push(path.clone()),
        }
        path.pop();
    }
}

fn value(member: &Value, path: &[String]) -> Value {
    let found = path.iter().try_fold(member, |at, name| at.get(name));
    found.cloned().unwrap_or_default()
}
