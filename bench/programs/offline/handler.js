// What functions/create-note and functions/get-note do, in JavaScript: the same checks, the same answers, a line of log for each.
"use strict";
const { randomBytes } = require("node:crypto");
const { DynamoDBClient, GetItemCommand, PutItemCommand } = require("@aws-sdk/client-dynamodb");

const client = new DynamoDBClient({});
const TableName = process.env.NOTES_TABLE;
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

const answer = (statusCode, body, headers) => ({
  statusCode, headers: { "content-type": "application/json", "cache-control": "no-store", ...headers }, body: JSON.stringify(body),
});

class Problem extends Error {
  constructor(status, message) { super(message); this.status = status; }
}

const logged = (handle) => async (event, context) => {
  const began = Date.now();
  let response, fault;
  try {
    response = await handle(event);
  } catch (error) {
    fault = error;
    response = error instanceof Problem ? answer(error.status, { message: error.message }) : answer(500, { message: "something went wrong here; it was logged" });
  }
  console.log(JSON.stringify({
    time: new Date().toISOString(), level: response.statusCode >= 500 ? "ERROR" : "INFO", msg: "request", route: event.routeKey, status: response.statusCode,
    milliseconds: Date.now() - began, apiRequestId: event.requestContext.requestId, requestId: context.awsRequestId, error: fault && fault.message,
  }));
  return response;
};

exports.create = logged(async (event) => {
  const text = event.isBase64Encoded ? Buffer.from(event.body, "base64").toString() : event.body || "";
  if (text.trim() === "") throw new Problem(400, "the body is empty, want one JSON object");
  if (!text.trimStart().startsWith("{")) throw new Problem(400, "the body is not a JSON object, want one JSON object");
  const written = (JSON.parse(text).text || "").trim();
  if (written === "") throw new Problem(400, "text is empty, want at least one character");
  const length = [...written].length;
  if (length > 10000) throw new Problem(400, `text has ${length} characters, want at most 10000`);
  const note = { id: [...randomBytes(26)].map((byte) => alphabet[byte % 32]).join(""), text: written, createdAt: new Date().toISOString() };
  await client.send(new PutItemCommand({ TableName, Item: { id: { S: note.id }, text: { S: note.text }, createdAt: { S: note.createdAt } } }));
  return answer(201, note, { location: "/notes/" + note.id });
});

exports.get = logged(async (event) => {
  const { Item } = await client.send(new GetItemCommand({ TableName, Key: { id: { S: event.pathParameters.id } } }));
  if (!Item) throw new Problem(404, "there is no such note");
  return answer(200, { id: Item.id.S, text: Item.text.S, createdAt: Item.createdAt.S });
});
