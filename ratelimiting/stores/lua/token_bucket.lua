-- The same as algorithms/token_bucket.py. State: used, at, unit. Quota: window, capacity, unit, rate.

local function bucket_bounded(cost, _, capacity, unit)
  return math.min(cost, math.floor(capacity / unit) + 1)
end

local function bucket_seen(used, at, old, now, window, capacity, unit, rate)
  if not used or at - now > window then return 0, now, unit end
  if old ~= unit then used = math.ceil(used * unit / old) end
  if used > capacity then used = capacity end
  if now > at then
    used = used - (now - at) * rate
    if used < 0 then used = 0 end
    at = now
  end
  return used, at, unit
end

local function bucket_wait(used, at, _, now, cost, _, capacity, unit, rate)
  local missing = used + cost * unit - capacity
  if missing <= 0 then return 0 end
  return at - now + math.ceil(missing / rate)
end

local function bucket_charged(used, at, unit, cost)
  return used + cost * unit, at, unit
end

local function bucket_left(used, at, _, now, _, capacity, unit, rate)
  local reset = 0
  if used > 0 then reset = at - now + math.ceil(used / rate) end
  return math.floor((capacity - used) / unit), reset
end
