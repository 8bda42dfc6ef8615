-- For all functions below: Lua finds local names faster than global ones.
local ceil, floor, max, min = math.ceil, math.floor, math.max, math.min

-- The same as algorithms/token_bucket.py. State: used, at, unit. Quota: window, capacity, unit, rate.
-- Returns microseconds to wait, what remains, microseconds until all is free, and the state: charged if requested and
-- possible.

local function token_bucket(charge, cost, now, used, at, was, window, capacity, unit, rate)
  if not used or at - now > window then
    used, at = 0, now
  else
    if was ~= unit then used = ceil(used * unit / was) end
    if used > capacity then used = capacity end
    if now > at then
      used, at = used - (now - at) * rate, now
      if used < 0 then used = 0 end
    end
  end
  local wait, reset, missing = 0, 0, used + cost * unit - capacity
  if missing > 0 then
    wait = at - now + ceil(missing / rate)
  elseif charge then
    used = used + cost * unit
  end
  if used > 0 then reset = at - now + ceil(used / rate) end
  return wait, floor((capacity - used) / unit), reset, used, at, unit
end
