export const handler = async (event, context) => {
  console.log("asked for", event.text);
  if (event.text === "fail") {
    throw new TypeError("no such note");
  }
  return { text: event.text, id: context.awsRequestId };
};
