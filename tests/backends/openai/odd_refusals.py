"""Refusals in shapes and words that no table of errors publishes, as relays, gateways and lesser servers give them: status, body, kind."""

from typing import Any


def _error(message: Any, code: Any = None) -> Any:
    return {"error": {"message": message, "code": code}}


def _nested(code: str, message: str = "操作被拒绝") -> Any:
    return {"Response": {"Error": {"Code": code, "Message": message}, "RequestId": "a"}}


WITHIN: list[tuple[int, Any, str]] = [
    (200, _nested("OperationDenied.TextIllegalDetected"), "filtered"),
    (200, _nested("OperationDenied.ImageIllegalDetected"), "filtered"),
    (200, _nested("FailedOperation.FreeResourcePackExhausted"), "no_money"),
    (200, _nested("FailedOperation.ResourcePackExhausted"), "no_money"),
    (200, _nested("LimitExceeded.RateLimit", "too many requests"), "wait"),
    (200, _nested("E-77", "odd"), "refused"),
    (200, {"promptFeedback": {"blockReason": "SAFETY"}}, "filtered"),
    (200, {"promptFeedback": {"blockReason": "OTHER"}, "usageMetadata": {"promptTokenCount": 3}}, "filtered"),
    (200, {"data": {"prompt_feedback": {"block_reason": "PROHIBITED_CONTENT"}}}, "filtered"),
    (200, {"result": {"err": {"code": "ContentDenied", "msg": "text inspection failed"}}}, "filtered"),
    (200, {"choices": [], "output": {"error": {"code": 429, "message": "slow down"}}}, "wait"),
    (200, {"choices": None, "err": "余额不足"}, "no_money"),
    (200, {"header": {"code": 10013, "message": "输入内容审核不通过"}}, "filtered"),
    (200, {"code": 11200, "message": "AppIdNoAuthError: licc failed", "sid": "a"}, "no_money"),
    (200, {"code": 11201, "message": "licc failed"}, "no_money"),
]
"""Errors inside an answer of status 200."""

ODD: list[tuple[int, Any, str]] = [
    (500, _error("The model produced invalid content. Consider modifying your prompt if you are seeing this error persistently."), "filtered"),
    (500, _error("Response blocked"), "filtered"),
    (500, _error("output is sensitive"), "filtered"),
    (500, _error("worker thread blocked"), "broken"),
    (500, _error("it failed since our IP is blocked"), "broken"),
    (503, _error("当前分组 default 下对于模型 m1 无可用渠道（distributor）", "model_not_found"), "no_model"),
    (503, _error("No available channel for model m1 under group default"), "no_model"),
    (503, _error("no channels available for model m1, try again later"), "wait"),
    (400, _error("Budget has been exceeded! Current cost: 0.2, Max budget: 0.1", "budget_exceeded"), "no_money"),
    (429, _error("ExceededBudget: User over budget. Max budget: 5"), "no_money"),
    (429, _error("request failed", "RequestDayLimitExceeded"), "no_money"),
    (400, _error("thinking budget exceeds what the model takes"), "refused"),
    (400, _error("current user api does not support http call without sse"), "not_taken"),
    (403, _error("Access denied: this model only supports sse/stream", "AccessDenied"), "not_taken"),
    (400, _error("该模型请使用流式调用"), "not_taken"),
    (400, _error("messages.0.role: must be one of user, assistant"), "no_system"),
    (500, _error("TemplateError: System role not supported"), "no_system"),
    (400, _error("Developer instruction is not enabled for models/gemma-3"), "no_system"),
    (422, _error("Unexpected role 'system'"), "no_system"),
    (400, _error("This model does not support the system message"), "no_system"),
    (400, _error("该模型不支持 system 角色"), "no_system"),
    (400, _error("role must be one of 'user', 'assistant', 'system'"), "refused"),
    (500, _error("internal system error: message not supported by queue"), "broken"),
    (404, "<html><h1>Application failed to respond</h1></html>", "wait"),
    (404, {"status": "error", "code": 404, "message": "Application failed to respond"}, "wait"),
    (404, "<html><title>502 Bad Gateway</title></html>", "wait"),
    (404, "<html><title>404 Not Found</title></html>", "no_model"),
    (204, "", "broken"),
]  # fmt: skip
