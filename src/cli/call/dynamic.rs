//! Messages known only by their description, over gRPC.

use prost::Message;
use prost_reflect::{DynamicMessage, MessageDescriptor};
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

/// Requests of any type, answers of one.
pub struct Dynamic {
    /// The type of the answers.
    pub answers: MessageDescriptor,
}

/// Writes requests.
pub struct Requests;

/// Reads answers of that type.
pub struct Answers(MessageDescriptor);

impl Codec for Dynamic {
    type Encode = DynamicMessage;
    type Decode = DynamicMessage;
    type Encoder = Requests;
    type Decoder = Answers;

    fn encoder(&mut self) -> Self::Encoder {
        Requests
    }

    fn decoder(&mut self) -> Self::Decoder {
        Answers(self.answers.clone())
    }
}

impl Encoder for Requests {
    type Item = DynamicMessage;
    type Error = Status;

    fn encode(&mut self, item: Self::Item, to: &mut EncodeBuf<'_>) -> Result<(), Self::Error> {
        let written = item.encode(to);
        written.map_err(|error| Status::internal(format!("the request can't be written: {error}")))
    }
}

impl Decoder for Answers {
    type Item = DynamicMessage;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Self::Item>, Self::Error> {
        let mut answer = DynamicMessage::new(self.0.clone());
        let read = answer.merge(from);
        read.map_err(|error| Status::internal(format!("the answer can't be read: {error}")))?;
        Ok(Some(answer))
    }
}
