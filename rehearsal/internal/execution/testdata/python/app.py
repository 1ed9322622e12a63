def handler(event, context):
    print("asked for", event["text"])
    if event["text"] == "fail":
        raise TypeError("no such note")
    return {"text": event["text"], "id": context.aws_request_id}
